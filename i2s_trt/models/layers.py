"""The pieces that StyleGAN1's networks are made of, as functions on tensors.

Source: Karras, Laine, Aila 2019, section 2 and appendix C. All weights here are effective weights: the equalised
learning rate's runtime scaling has already been multiplied in.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

NORM_EPSILON = 1e-8  # of pixel norm and instance norm; 1e-5 shows as an error of 2e-4 at 128x128


def pixel_norm(z: Tensor) -> Tensor:
    """Scale each row of `z` [N, Z] to unit mean square."""
    return z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + NORM_EPSILON)


def instance_norm(x: Tensor) -> Tensor:
    """Normalise each channel of `x` [N, C, H, W] over its pixels; the statistics are always float32."""
    return F.instance_norm(x.float(), eps=NORM_EPSILON).to(x.dtype)


def style_modulation(x: Tensor, style: Tensor) -> Tensor:
    """AdaIN's affine part: `x` [N, C, H, W] scaled by 1 + style[:, :C] and shifted by style[:, C:]."""
    scale, shift = style.to(x.dtype).unsqueeze(-1).unsqueeze(-1).chunk(2, dim=1)  # [N, C, 1, 1] each
    return x * (scale + 1) + shift


def upsample_kernel(weight: Tensor) -> Tensor:
    """Fold "nearest x2, then 3x3 convolution" into one kernel for a transposed convolution.

    Args:
        weight: [C_out, C_in, 3, 3], to be applied after nearest-neighbour upsampling.

    Returns:
        [C_in, C_out, 4, 4] for `conv_transpose2d(x, kernel, stride=2, padding=1)`, which gives the same output with
        4 multiplications a pixel and channel pair instead of 9.
    """
    padded = F.pad(weight.flip(2, 3), (1, 1, 1, 1))  # [C_out, C_in, 5, 5]
    kernel = padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
    return kernel.transpose(0, 1).contiguous()


def upsampling_convolution(x: Tensor, kernel: Tensor) -> Tensor:
    """[N, C_in, H, W] -> [N, C_out, 2H, 2W] with a kernel from `upsample_kernel`."""
    return F.conv_transpose2d(x, kernel, stride=2, padding=1)


def blur_kernel(taps: Sequence[float]) -> Tensor:
    """The normalised outer product [1, 1, K, K] of a row of filter taps, such as (1, 2, 1)."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(row, row)
    return (kernel / kernel.sum()).view(1, 1, len(taps), len(taps))


def blur(x: Tensor, kernel: Tensor) -> Tensor:
    """Filter every channel of `x` [N, C, H, W] with `kernel` [1, 1, K, K], zeros beyond the border."""
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, -1, -1, -1)  # [C, 1, K, K]
    return F.conv2d(x, weight, padding=kernel.shape[-1] // 2, groups=channels)


def upsample_nearest(x: Tensor, times: int) -> Tensor:
    """Double the height and width of `x` [N, C, H, W] `times` times by repeating pixels."""
    return F.interpolate(x, scale_factor=2**times, mode="nearest") if times else x
