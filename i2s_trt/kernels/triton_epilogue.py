"""The layer epilogue by hand-written GPU kernels: three launches forward, three backward, one activation kept.

Needs triton, which PyTorch's CUDA builds bring along.
"""

import torch
from torch import Tensor

from i2s_trt.kernels import triton_kernels as kernels
from i2s_trt.kernels.epilogue import Kept, LayerConstants, Offset
from i2s_trt.models.layers import NORM_EPSILON

_CHANNELS_AT_MOST = 64  # of a program: 128 bytes in 16 bits, one line of the cache
_ELEMENTS = 8192  # of a program's tile
_PARTIALS = 4096  # read at a time when partial sums are added up


class TritonEpilogue:
    """See `Epilogue`. Maps must lie channels last."""

    def offset(self, noise: Tensor, noise_weight: Tensor, bias: Tensor) -> Offset:
        """See `Epilogue`."""
        return noise.contiguous(), noise_weight, bias

    def forward(
        self, x: Tensor, offset: Offset, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """See `Epilogue`."""
        x = x.contiguous(memory_format=torch.channels_last)
        noise, noise_weight, bias = offset
        tiling = _Tiling(x)
        means, squares = tiling.partials(), tiling.partials()
        mean, inverse = torch.empty_like(scale), torch.empty_like(scale)
        y = x if layer.blur_kernel is None else torch.empty_like(x)
        noise_stride = 0 if len(noise) == 1 else tiling.pixels
        kernels.activate[tiling.grid](
            x, *_taps(layer, x), noise, noise_stride, noise_weight, bias, y, means, squares, *tiling.sides, layer.slope,
            **tiling.tile, **_width(layer),
        )  # fmt: skip
        kernels.moments[tiling.grid[1:]](
            means, squares, mean, inverse, tiling.grid[0], tiling.pixels, tiling.channels, NORM_EPSILON,
            **tiling.tile, TILES=tiling.partials_at_once,
        )  # fmt: skip
        out = torch.empty_like(y)
        kernels.modulate[tiling.grid](y, mean, inverse, scale, shift, out, *tiling.sides, **tiling.tile)
        return out, Kept(y, mean, inverse)

    def backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Epilogue`."""
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        tiling = _Tiling(gradient)
        sums, sums_with = tiling.partials(), tiling.partials()
        d_scale, d_shift = torch.empty_like(scale), torch.empty_like(scale)
        kernels.products[tiling.grid](gradient, *kept, sums, sums_with, *tiling.sides, **tiling.tile)
        kernels.add_up[tiling.grid[1:]](
            sums, sums_with, d_shift, d_scale, tiling.grid[0], tiling.channels,
            BLOCK=tiling.tile["BLOCK"], TILES=tiling.partials_at_once,
        )  # fmt: skip
        dx = torch.empty_like(gradient)
        kernels.differentiate[tiling.grid](
            gradient, *kept, scale, d_shift, d_scale, *_taps(layer, gradient), dx, *tiling.sides, layer.slope,
            **tiling.tile, **_width(layer),
        )  # fmt: skip
        return dx, d_scale, d_shift


class _Tiling:
    """How a map [N, C, H, W] is divided among programs.

    Attributes:
        grid: tiles of pixels, blocks of channels, images.
        tile: the constants PIXELS and BLOCK of the kernels.
    """

    def __init__(self, x: Tensor) -> None:
        self._x = x
        images, self.channels, height, width = x.shape
        self.pixels = height * width
        self.sides = (height, width, self.channels)
        block = min(_CHANNELS_AT_MOST, _power_of_two(self.channels))
        pixels = min(_ELEMENTS // block, _power_of_two(self.pixels))
        self.tile = {"PIXELS": pixels, "BLOCK": block}
        self.grid = (-(-self.pixels // pixels), -(-self.channels // block), images)
        self.partials_at_once = min(_PARTIALS // block, _power_of_two(self.grid[0]))

    def partials(self) -> Tensor:
        """Room for one number a tile, [N, tiles, C] float32."""
        return self._x.new_empty(self.grid[2], self.grid[0], self.channels, dtype=torch.float32)


def _taps(layer: LayerConstants, stand_in: Tensor) -> tuple[Tensor]:
    """The blur's weights; any tensor where there are none to read."""
    return (stand_in if layer.blur_kernel is None else layer.blur_kernel,)


def _width(layer: LayerConstants) -> dict[str, int]:
    return {"TAPS": 0 if layer.blur_kernel is None else layer.blur_kernel.shape[-1]}


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
