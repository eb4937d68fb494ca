"""The synthesis network with frozen weights, laid out for speed: channels last, in a precision of choice."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import cast

import torch
from torch import Tensor, nn

from i2s_trt.fused.convolution import convolution
from i2s_trt.fused.epilogue import Epilogue, LayerConstants, Offset
from i2s_trt.fused.layer import styled_layer
from i2s_trt.models.layers import upsample_nearest
from i2s_trt.models.synthesis import Synthesis, SynthesisLayer

# The coarse layers, on whose few values everything hangs, are what makes gradients in bfloat16 go wrong. In float32
# they take a few per cent more time. On a GPU they multiply in TF32 then (`i2s_trt.arithmetic`), which is
# good enough: emulated on a CPU (tests/embedding/loss/tf32.py, inputs rounded or truncated), the gradient is off by
#                                               bf16 throughout  float32 up to 32  TF32 up to 32
#   shipped model, mean latent                            0.010             0.011   0.012 to 0.018
#   after 100 steps of Adam at 0.05                       0.103             0.036            0.035
#   after 250 steps of the fast schedule                  1.31              0.35    0.22 to 0.27
#   close to a picture of its own                         0.131             0.051   0.058 to 0.059
#   random 64x64 model, 64 channels                       0.077             0.014   0.025 to 0.027
_FLOAT32_UP_TO = 32


class FrozenSynthesis:
    """w+ -> images with a gradient to w+ and to nothing else: what `Synthesis` computes, up to rounding.

    Styles, the statistics of the instance norm, the layers up to 32 pixels and the images are float32 whatever the
    precision of the rest. Whether a GPU multiplies them exactly or in TF32 is for the caller to set.

    Args:
        synthesis: gives weights, device and architecture.
        dtype: of weights and activations, above 32 pixels.
        epilogue: implementation of what follows each convolution.
    """

    def __init__(self, synthesis: Synthesis, dtype: torch.dtype, epilogue: Epilogue) -> None:
        self._spec, self._epilogue = synthesis.spec, epilogue
        layers = [cast(SynthesisLayer, layer) for layer in synthesis.layers]
        wide = [layer.noise.shape[-1] <= _FLOAT32_UP_TO for layer in layers]
        self._dtypes = [torch.float32 if one else dtype for one in wide]
        self._styled = layers
        self._const = laid_out(synthesis.const, self._dtypes[0])
        self._layers = [_freeze(layer, own) for layer, own in zip(layers, self._dtypes, strict=True)]
        self._offsets = self._offsets_of([layer.noise for layer in layers])
        self._styles = [_Styles(list(group)) for _, group in groupby(layers, _width)]
        self._to_rgb = {
            lod: (laid_out(rgb.weight, own), cast(Tensor, rgb.bias).detach().to(own))
            for lod in synthesis.rgb_lods(synthesis.spec)
            for rgb, own in [(cast(nn.Conv2d, synthesis.to_rgb[str(lod)]), self._dtypes[-1 - 2 * lod])]
        }

    def __call__(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Render.

        Args:
            w_plus: [N, L, D] float32.
            noise: L maps [1 or N, 1, H, W]; the stored ones when left out.

        Returns:
            Images [N, 3, R, R] float32, channels last.
        """
        lod = math.floor(self._spec.lod)
        fading = self._spec.lod - lod
        before, _, last = deque(self._activations(w_plus, noise, self._spec.num_layers - 2 * lod), maxlen=3)
        image = self._rgb(last, lod)
        if fading:
            image = torch.lerp(image, upsample_nearest(self._rgb(before, lod + 1), 1), fading)
        return upsample_nearest(image, lod)

    def _activations(self, w_plus: Tensor, noise: Sequence[Tensor] | None, count: int) -> Iterator[Tensor]:
        offsets = self._offsets if noise is None else self._offsets_of(noise)
        rows = torch.split(w_plus.transpose(0, 1), [group.layers for group in self._styles])  # [K, N, D] each
        styles = [style for group, own in zip(self._styles, rows, strict=True) for style in group(own)]
        x = self._const.expand(w_plus.shape[0], -1, -1, -1)  # [N, C, 4, 4]
        for i in range(count):
            x = styled_layer(x.to(self._dtypes[i]), styles[i], offsets[i], self._layers[i], self._epilogue)
            yield x

    def _offsets_of(self, noise: Sequence[Tensor]) -> list[Offset]:
        return [
            self._epilogue.offset(*(one.detach().to(dtype) for one in (map_, layer.noise_weight, layer.bias)))
            for map_, layer, dtype in zip(noise, self._styled, self._dtypes, strict=True)
        ]

    def _rgb(self, x: Tensor, lod: int) -> Tensor:
        weight, bias = self._to_rgb[lod]
        return convolution(x, weight, bias).float()


class _Styles:
    """The affine style layers of neighbours of equal width in one product: [K, N, D] -> K times [N, 2C]."""

    def __init__(self, layers: Sequence[SynthesisLayer]) -> None:
        self.weight = torch.stack([layer.style.weight.detach() for layer in layers]).transpose(1, 2).contiguous()
        self.bias = torch.stack([layer.style.bias.detach() for layer in layers]).unsqueeze(1)
        self.layers = len(layers)

    def __call__(self, rows: Tensor) -> tuple[Tensor, ...]:
        return torch.baddbmm(self.bias, rows, self.weight).unbind(0)  # [K, N, D] [K, D, 2C] -> K of [N, 2C]


def _width(layer: SynthesisLayer) -> int:
    return layer.style.out_features


def laid_out(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """A frozen copy of a weight [., ., H, W] in a precision, channels last."""
    return weight.detach().to(dtype=dtype, memory_format=torch.channels_last)


def _freeze(layer: SynthesisLayer, dtype: torch.dtype) -> LayerConstants:
    return LayerConstants(
        weight=None if layer.weight is None else laid_out(layer.weight, dtype),
        upsamples=layer.upsamples,
        blur_kernel=None if layer.blur_kernel is None else layer.blur_kernel.to(dtype),
        slope=layer.negative_slope,
    )
