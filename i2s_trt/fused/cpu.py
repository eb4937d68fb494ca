"""The layer epilogue from PyTorch's own CPU kernels, in place, channels last.

Of everything tried on a CPU this is the fastest, the compiler's kernels included: an instance norm is the batch norm
of one image, and PyTorch has that by hand.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.fused.epilogue import Kept, LayerConstants, Offset, blurred, blurred_backward, per_channel
from i2s_trt.models.layers import NORM_EPSILON

_FOLDED_CHANNELS = 4096


class Native:
    """See `Epilogue`. Images of a batch are computed one by one, so that none depends on its neighbours."""

    def offset(self, noise: Tensor, noise_weight: Tensor, bias: Tensor) -> Offset:
        """See `Epilogue`. A whole map [1 or N, C, H, W]: its sum with a layer is one pass over memory in order."""
        whole = noise * per_channel(noise_weight) + per_channel(bias)
        return (whole.contiguous(memory_format=torch.channels_last),)

    def forward(
        self, x: Tensor, offset: Offset, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """See `Epilogue`."""
        wholes = torch.split(offset[0].expand(len(x), -1, -1, -1), 1)
        each = [
            self._forward(*image, layer)
            for image in zip(torch.split(x, 1), wholes, scale.unbind(), shift.unbind(), strict=True)
        ]
        outs, kept = zip(*each, strict=True)
        return _join(outs), Kept(*map(_join, zip(*kept, strict=True)))

    def backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Epilogue`."""
        kept_each = zip(*(torch.split(one, 1) for one in kept), strict=True)
        each = [
            self._backward(one, Kept(*own), own_scale, layer)
            for one, own, own_scale in zip(torch.split(gradient, 1), kept_each, scale.unbind(), strict=True)
        ]
        return cast(tuple[Tensor, Tensor, Tensor], tuple(map(_join, zip(*each, strict=True))))

    def _forward(
        self, x: Tensor, whole: Tensor, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """Computes one image [1, C, H, W]; scale and shift [C]."""
        y = F.leaky_relu(blurred(x, layer).add_(whole), layer.slope, inplace=True)
        folded, times = _fold(y)  # [1, K C, H W / K, 1]
        mean, variance = _moments(folded, times)
        gain, offset, centre, spread = (one.repeat(times) for one in (scale, shift, mean, variance))
        out = torch.native_batch_norm(folded, gain, offset, centre, spread, False, 0.0, NORM_EPSILON)[0]
        return _unfold(out, y), Kept(y, mean.unsqueeze(0), torch.rsqrt(variance + NORM_EPSILON).unsqueeze(0))

    def _backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        saved = (None, None, kept.mean[0], kept.inverse[0])
        d_activation, d_scale, d_shift = torch.ops.aten.native_batch_norm_backward(
            gradient, kept.activation, scale, *saved, True, NORM_EPSILON, [True, True, True]
        )
        dx = torch.ops.aten.leaky_relu_backward(d_activation, kept.activation, layer.slope, True)
        return blurred_backward(dx, layer), d_scale.unsqueeze(0), d_shift.unsqueeze(0)


def _fold(y: Tensor) -> tuple[Tensor, int]:
    """[1, C, H, W] as [1, K C, H W / K, 1] over the same memory: K neighbouring pixels become channels of their own.

    PyTorch adds up a channel's pixels one after the other, which for a million of them goes wrong in the fourth digit;
    for a K-th of them it does not. Long rows are faster too.
    """
    _, channels, height, width = y.shape
    times = 1
    while times * channels < _FOLDED_CHANNELS and height * width % (2 * times) == 0:
        times *= 2
    return y.permute(0, 2, 3, 1).reshape(1, -1, 1, times * channels).permute(0, 3, 1, 2), times


def _unfold(folded: Tensor, like: Tensor) -> Tensor:
    _, channels, height, width = like.shape
    return folded.permute(0, 2, 3, 1).reshape(1, height, width, channels).permute(0, 3, 1, 2)


def _moments(folded: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """Mean and variance [C] over all pixels, from those of the K parts."""
    unused = folded.new_zeros(folded.shape[1], dtype=torch.float32)  # given at all, it makes the statistics float32
    parts = torch.batch_norm_update_stats(folded, unused, unused.clone(), 0.0)
    means, variances = (one.view(times, -1) for one in parts)
    spread, mean = torch.var_mean(means, dim=0, correction=0)
    return mean, variances.mean(dim=0) + spread


def _join(rows: tuple[Tensor, ...]) -> Tensor:
    """A batch of images; one alone is not copied."""
    return rows[0] if len(rows) == 1 else torch.cat(rows)
