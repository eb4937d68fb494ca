"""Compares the Triton kernels of a StyleGAN2 with the formulas in float32, as `interpreted` does a StyleGAN1's."""

import json
import sys
from typing import Any

import torch
from torch import Tensor

from i2s_trt.fused import tiling
from i2s_trt.fused.gpu_modulated import TritonModulation
from i2s_trt.fused.modulated import Modulation, ModulationFormula, Offset, Taps
from tests.fused.interpreted import chosen, let_numpy_count
from tests.fused.maps import distance

ALONG = (0.4, 0.7, 0.6, 0.3)  # no side like another
BIAS = (0.5, -0.25, 2.0)
CASES: tuple[tuple[tuple[int, int, int, int], float | None, bool], ...] = (
    ((1, 16, 16, 32), None, False),
    ((2, 24, 8, 16), 0.5, True),
    ((2, 7, 5, 3), 1.0, False),
    ((1, 3, 26, 24), None, False),  # several tiles
)
LARGE: tuple[tuple[tuple[int, int, int, int], float | None, bool], ...] = (
    ((1, 3, 64, 64), None, False),
    ((2, 72, 9, 20), 0.7, True),  # tiles, blocks and strips that are not full
)


def main(size: str, device: str) -> None:
    """Compare what belongs to a size, as `interpreted` does; one JSON line each."""
    let_numpy_count()
    tiling._PROGRAMS = 4  # so that programs walk down several rows of these small maps
    for (shape, bound, own_noise), dtype in chosen(size, CASES, LARGE):
        arguments = _arguments(shape, dtype, bound, own_noise, device)
        ours = _results(TritonModulation(), dtype, bound, **arguments)
        wanted = _results(ModulationFormula(), torch.float32, bound, **arguments)
        apart = {name: distance(ours[name], wanted[name]) for name in wanted}
        print(json.dumps({"shape": shape, "dtype": str(dtype), "apart": apart}))


def _arguments(
    shape: tuple[int, int, int, int], dtype: torch.dtype, bound: float | None, own_noise: bool, device: str
) -> dict[str, Any]:
    """What both are given, the activations of the backward pass too: at its kinks rounding would decide."""
    random = torch.Generator().manual_seed(0)
    images, channels, height, width = shape

    def draw(*sides: int) -> Tensor:
        return torch.randn(sides, generator=random).to(device)

    maps = {name: draw(*shape).to(dtype, memory_format=torch.channels_last) for name in ("v", "gradient", "x")}
    noise = draw(images if own_noise else 1, 1, height, width)
    style, d, bias = draw(images, channels), draw(images, channels).abs() + 0.5, draw(channels)
    y = ModulationFormula().activate(maps["v"].float(), d, _offset(noise, bias, torch.float32), bound)
    kept = y.to(dtype, memory_format=torch.channels_last)
    return {**maps, "kept": kept, "s": style, "d": d, "noise": noise, "bias": bias}


def _offset(noise: Tensor, bias: Tensor, dtype: torch.dtype) -> Offset:
    return Offset((noise + bias.view(1, -1, 1, 1)).to(dtype), noise.flatten(1), bias)


def _results(
    modulation: Modulation, dtype: torch.dtype, bound: float | None, *, v: Tensor, kept: Tensor, gradient: Tensor,
    x: Tensor, s: Tensor, d: Tensor, noise: Tensor, bias: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    o = _offset(noise, bias, dtype)
    y = modulation.activate(v.to(dtype).clone(), d, o, bound)
    dv, dd = modulation.differentiate(gradient.to(dtype), kept.to(dtype), d, o, bound)
    dx, ds = modulation.modulate_backward(gradient.to(dtype), x.to(dtype), s)
    taps = _taps(dtype, x.device)
    through, back = modulation.filtered(v.to(dtype), taps), modulation.filtered_backward(x.to(dtype), taps)
    found = {"y": y, "dv": dv, "dd": dd, "dx": dx, "ds": ds, "filtered": through, "filtered backward": back}
    weights = torch.stack([s, d, s - d], dim=1)  # [N, 3, C]
    image = modulation.colours(x.to(dtype), weights, torch.tensor(BIAS, device=x.device))
    d_colours = modulation.colours_backward(gradient[:, [0, -1, 0]].float() + image.tanh(), x.to(dtype), weights)
    return {**found, "colours": image, "colours dx": d_colours[0], "colours dw": d_colours[1]}


def _taps(dtype: torch.dtype, device: torch.device) -> Taps:
    along = torch.tensor(ALONG, device=device)
    return Taps(torch.outer(along, along).to(dtype).view(1, 1, 4, 4), along)


if __name__ == "__main__":
    main(*sys.argv[1:])
