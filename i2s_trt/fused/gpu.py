"""The layer epilogue by hand-written GPU kernels: three launches forward, three backward, one activation kept.

Needs triton, which PyTorch's CUDA builds bring along.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from i2s_trt.fused import gpu_kernels as kernels
from i2s_trt.fused.epilogue import Kept, LayerConstants, Offset, blurred, blurred_backward
from i2s_trt.fused.tiling import Tiling
from i2s_trt.models.layers import NORM_EPSILON


class TritonEpilogue:
    """See `Epilogue`. Maps must lie channels last."""

    def offset(self, noise: Tensor, noise_weight: Tensor, bias: Tensor) -> Offset:
        """See `Epilogue`."""
        return noise.contiguous(), noise_weight, bias

    def forward(
        self, x: Tensor, offset: Offset, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """See `Epilogue`."""
        if not _within_kernels(layer):
            return self.forward(blurred(x, layer), offset, scale, shift, replace(layer, blur_kernel=None))
        x = x.contiguous(memory_format=torch.channels_last)
        noise, noise_weight, bias = offset
        tiling = Tiling.of(*x.shape)
        means, squares = _partials(x, tiling), _partials(x, tiling)
        mean, inverse = torch.empty_like(scale), torch.empty_like(scale)
        y = x if layer.blur_kernel is None else torch.empty_like(x)
        out = torch.empty_like(y)
        noise_stride = 0 if len(noise) == 1 else noise.shape[-2] * noise.shape[-1]
        with _device_of(x):
            kernels.activate[tiling.grid](
                x, *_taps(layer, x), noise, noise_stride, noise_weight, bias, y, means, squares, *tiling.sides,
                layer.slope, **_width(layer), **tiling.tile,
            )  # fmt: skip
            kernels.moments[tiling.table_grid](
                means, squares, mean, inverse, tiling.tiles, *tiling.sides, NORM_EPSILON,
                COLUMNS=tiling.columns, **tiling.table,
            )  # fmt: skip
            kernels.modulate[tiling.grid](y, mean, inverse, scale, shift, out, *tiling.sides, **tiling.tile)
        return out, Kept(y, mean, inverse)

    def backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Epilogue`."""
        if not _within_kernels(layer):
            dx, d_scale, d_shift = self.backward(gradient, kept, scale, replace(layer, blur_kernel=None))
            return blurred_backward(dx, layer), d_scale, d_shift
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        tiling = Tiling.of(*gradient.shape)
        sums, sums_with = _partials(gradient, tiling), _partials(gradient, tiling)
        d_scale, d_shift = torch.empty_like(scale), torch.empty_like(scale)
        dx = torch.empty_like(gradient)
        with _device_of(gradient):
            kernels.products[tiling.grid](gradient, *kept, sums, sums_with, *tiling.sides, **tiling.tile)
            kernels.add_up[tiling.table_grid](
                sums, sums_with, d_shift, d_scale, tiling.tiles, tiling.channels, **tiling.table
            )
            kernels.differentiate[tiling.grid](
                gradient, *kept, scale, d_shift, d_scale, *_taps(layer, gradient), dx, *tiling.sides, layer.slope,
                **_width(layer), **tiling.tile,
            )  # fmt: skip
        return dx, d_scale, d_shift


def _device_of(x: Tensor) -> AbstractContextManager[Any]:
    """Makes the tensor's GPU the current one, which is where Triton launches."""
    return torch.cuda.device_of(x)  # type: ignore[no-untyped-call]


def _within_kernels(layer: LayerConstants) -> bool:
    """Whether the kernels know the layer's filter: StyleGAN1's has three taps; PyTorch applies any other."""
    return layer.blur_kernel is None or layer.blur_kernel.shape[-1] == kernels.BLUR_TAPS


def _partials(x: Tensor, tiling: Tiling) -> Tensor:
    """Room for one number a tile and channel, [N, tiles, C] float32."""
    return x.new_empty(tiling.images, tiling.tiles, tiling.channels, dtype=torch.float32)


def _taps(layer: LayerConstants, stand_in: Tensor) -> tuple[Tensor]:
    """The blur's weights; any tensor where there are none to read."""
    return (stand_in if layer.blur_kernel is None else layer.blur_kernel,)


def _width(layer: LayerConstants) -> dict[str, int]:
    return {"TAPS": 0 if layer.blur_kernel is None else kernels.BLUR_TAPS}
