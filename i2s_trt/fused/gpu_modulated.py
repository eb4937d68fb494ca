"""What surrounds a StyleGAN2's convolutions, by hand-written GPU kernels: one launch forward, four backward.

Upsampling layers have one more each way, for their filter; a conversion to RGB has one forward and two backward. Needs
triton, which PyTorch's CUDA builds bring along.
"""

import torch
from torch import Tensor

from i2s_trt.fused import gpu_modulated_kernels as kernels
from i2s_trt.fused.gpu import _device_of, _partials
from i2s_trt.fused.modulated import Offset, Taps
from i2s_trt.fused.tiling import Tiling, table_grid


class TritonModulation:
    """See `Modulation`. Maps must lie channels last."""

    def filtered(self, x: Tensor, taps: Taps) -> Tensor:
        """See `Modulation`."""
        return _filter(x, taps, backward=False)

    def filtered_backward(self, gradient: Tensor, taps: Taps) -> Tensor:
        """See `Modulation`."""
        return _filter(gradient, taps, backward=True)

    def activate(self, v: Tensor, d: Tensor, o: Offset, bound: float | None) -> Tensor:
        """See `Modulation`."""
        v = v.contiguous(memory_format=torch.channels_last)
        tiling = Tiling.of(*v.shape)
        with _device_of(v):
            kernels.activate_modulated[tiling.grid](
                v, d.contiguous(), o.noise, _stride(o), o.bias, v, *tiling.sides, bound or 0.0,
                BOUNDED=bound is not None, **tiling.tile,
            )  # fmt: skip
        return v

    def differentiate(
        self, gradient: Tensor, y: Tensor, d: Tensor, o: Offset, bound: float | None
    ) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        gradient, d = gradient.contiguous(memory_format=torch.channels_last), d.contiguous()
        tiling, dv = Tiling.of(*y.shape), torch.empty_like(gradient)
        sums = _partials(y, tiling)
        with _device_of(y):
            kernels.differentiate_modulated[tiling.grid](
                gradient, y, d, o.noise, _stride(o), o.bias, dv, sums, *tiling.sides, bound or 0.0,
                BOUNDED=bound is not None, **tiling.tile,
            )  # fmt: skip
        return dv, _added_up(sums, tiling) / d

    def modulate_backward(self, du: Tensor, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        du, x = (one.contiguous(memory_format=torch.channels_last) for one in (du, x))
        tiling, dx = Tiling.of(*x.shape), torch.empty_like(du)
        sums = _partials(x, tiling)
        with _device_of(x):
            kernels.modulate_backward[tiling.grid](du, x, s.contiguous(), dx, sums, *tiling.sides, **tiling.tile)
        return dx, _added_up(sums, tiling)

    def colours(self, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """See `Modulation`."""
        x = x.contiguous(memory_format=torch.channels_last)
        tiling = Tiling.of(*x.shape)
        image = _empty_map(x, 3, tiling.height, tiling.width, torch.float32)
        tiles, _, images = tiling.grid
        with _device_of(x):
            kernels.colours[tiles, 1, images](x, weights.contiguous(), bias, image, *tiling.sides, **tiling.tile)
        return image

    def colours_backward(self, gradient: Tensor, x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        gradient, x = (one.contiguous(memory_format=torch.channels_last) for one in (gradient, x))
        tiling, dx = Tiling.of(*x.shape), torch.empty_like(x)
        sums = x.new_empty(tiling.images, tiling.tiles, 3 * tiling.channels, dtype=torch.float32)
        with _device_of(x):
            kernels.colours_backward[tiling.grid](
                gradient, x, weights.contiguous(), dx, sums, *tiling.sides, **tiling.tile
            )
        return dx, _added_up(sums, tiling).view_as(weights)


def _empty_map(x: Tensor, channels: int, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Of as many images as `x` has, and where it is."""
    shape = len(x), channels, height, width
    return torch.empty(shape, dtype=dtype, device=x.device, memory_format=torch.channels_last)


def _filter(x: Tensor, taps: Taps, backward: bool) -> Tensor:
    """One row and column less than x has, or one more on the way back."""
    x = x.contiguous(memory_format=torch.channels_last)
    _, channels, height, width = x.shape
    change = 1 if backward else -1
    y = _empty_map(x, channels, height + change, width + change, x.dtype)
    tiling = Tiling.of(*y.shape)
    with _device_of(x):
        kernels.filter_modulated[tiling.grid](x, taps.along, y, *tiling.sides, BACKWARD=backward, **tiling.tile)
    return y


def _added_up(sums: Tensor, tiling: Tiling) -> Tensor:
    """[N, C] float32 of a table [N, tiles, C]."""
    images, tiles, channels = sums.shape
    out = sums.new_empty(images, channels)
    with _device_of(sums):
        kernels.add_up_modulated[table_grid(channels, images)](sums, out, tiles, channels, **tiling.table)
    return out


def _stride(o: Offset) -> int:
    """Numbers from one image's noise to the next's."""
    return 0 if len(o.noise) == 1 else o.noise.shape[1]
