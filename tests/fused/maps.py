"""Random layers for the tests of the kernels, and how far two results are apart."""

from dataclasses import dataclass

import torch
from torch import Tensor

from i2s_trt.fused.epilogue import LayerConstants
from i2s_trt.models.layers import blur_kernel


@dataclass(frozen=True)
class Case:
    """Everything that an epilogue takes, and a gradient."""

    x: Tensor
    noise: Tensor
    noise_weight: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor
    gradient: Tensor
    layer: LayerConstants


def random_case(
    shape: tuple[int, int, int, int],
    *,
    dtype: torch.dtype = torch.float32,
    taps: tuple[float, ...] = (),
    own_noise: bool = False,
    mean: float = 1.0,
    seed: int = 0,
) -> Case:
    """A case of maps [N, C, H, W], channels last, with activations about `mean`."""
    random = torch.Generator().manual_seed(seed)

    def draw(*sides: int) -> Tensor:
        return torch.randn(sides, generator=random)

    images, channels, height, width = shape
    kernel = blur_kernel(taps).to(dtype) if taps else None
    return Case(
        x=_last(draw(*shape) + mean, dtype),
        noise=draw(images if own_noise else 1, 1, height, width).to(dtype),
        noise_weight=draw(channels).to(dtype),
        bias=draw(channels).to(dtype),
        scale=draw(images, channels),
        shift=draw(images, channels),
        gradient=_last(draw(*shape), dtype),
        layer=LayerConstants(None, False, kernel, 0.2),
    )


def distance(ours: Tensor, wanted: Tensor) -> float:
    """||ours - wanted|| / ||wanted||."""
    ours, wanted = ours.detach().double(), wanted.detach().double()
    return float((ours - wanted).norm() / wanted.norm())


def _last(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype=dtype, memory_format=torch.channels_last)
