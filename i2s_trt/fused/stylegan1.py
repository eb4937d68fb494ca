"""StyleGAN1's synthesis network with frozen weights, laid out for speed: channels last, in a precision of choice."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from i2s_trt.fused.convolution import convolution
from i2s_trt.fused.epilogue import Epilogue, LayerConstants, Offset
from i2s_trt.fused.layer import styled_layer
from i2s_trt.fused.layout import laid_out, layer_dtype
from i2s_trt.fused.styles import StyleLayer, Styles
from i2s_trt.models.layers import upsample_nearest
from i2s_trt.models.stylegan1 import StyleGan1Synthesis, SynthesisLayer


class FrozenStyleGan1:
    """w+ -> images with a gradient to w+ and to nothing else: what `StyleGan1Synthesis` computes, up to rounding.

    Styles, the statistics of the instance norm, the layers up to 32 pixels and the images are float32 whatever the
    precision of the rest. Whether a GPU multiplies them exactly or in TF32 is for the caller to set.

    Args:
        synthesis: gives weights, device and architecture.
        dtype: of weights and activations, above 32 pixels.
        epilogue: implementation of what follows each convolution.
    """

    def __init__(self, synthesis: StyleGan1Synthesis, dtype: torch.dtype, epilogue: Epilogue) -> None:
        self._spec, self._epilogue = synthesis.spec, epilogue
        layers = [cast(SynthesisLayer, layer) for layer in synthesis.layers]
        self._dtypes = [layer_dtype(layer.noise.shape[-1], dtype) for layer in layers]
        self._styled = layers
        self._const = laid_out(synthesis.const, self._dtypes[0])
        self._layers = [_freeze(layer, own) for layer, own in zip(layers, self._dtypes, strict=True)]
        self._offsets = self._offsets_of([layer.noise for layer in layers])
        self._styles = Styles([StyleLayer(layer.style, row) for row, layer in enumerate(layers)])
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
        styles = self._styles(w_plus)
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


def _freeze(layer: SynthesisLayer, dtype: torch.dtype) -> LayerConstants:
    return LayerConstants(
        weight=None if layer.weight is None else laid_out(layer.weight, dtype),
        upsamples=layer.upsamples,
        blur_kernel=None if layer.blur_kernel is None else layer.blur_kernel.to(dtype),
        slope=layer.negative_slope,
    )
