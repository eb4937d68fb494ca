"""The layers against their definitions, written out."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.models.layers import (
    blur,
    blur_kernel,
    instance_norm,
    pixel_norm,
    style_modulation,
    upsample_kernel,
    upsample_nearest,
    upsampling_convolution,
)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25)
@given(
    channels_in=st.integers(1, 5), channels_out=st.integers(1, 5), side=st.integers(1, 9), seed=st.integers(0, 2**31)
)
def test_folded_kernel_equals_nearest_upsampling_and_convolution(
    channels_in: int, channels_out: int, side: int, seed: int
) -> None:
    x, weight = randn(2, channels_in, side, side, seed=seed), randn(channels_out, channels_in, 3, 3, seed=seed + 1)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
    torch.testing.assert_close(upsampling_convolution(x, upsample_kernel(weight)), expected, atol=2e-5, rtol=1e-5)


def test_folded_kernel_carries_gradients_to_the_weight() -> None:
    weight = randn(2, 3, 3, 3).requires_grad_()
    energy = upsampling_convolution(randn(1, 3, 4, 4), upsample_kernel(weight)).square().sum()
    (gradient,) = torch.autograd.grad(energy, weight)
    assert gradient.abs().min() > 0


def test_instance_norm_has_zero_mean_unit_variance_and_epsilon_1e_8() -> None:
    x = randn(2, 3, 8, 8) * 5 + 2
    y = instance_norm(x)
    torch.testing.assert_close(y.mean((2, 3)), torch.zeros(2, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(y.var((2, 3), correction=0), torch.ones(2, 3), atol=1e-5, rtol=0)
    faint = randn(1, 1, 8, 8) * 1e-4  # variance 1e-8: an epsilon of 1e-5 would flatten it
    expected = (faint - faint.mean()) * torch.rsqrt(faint.var(correction=0) + 1e-8)
    torch.testing.assert_close(instance_norm(faint), expected, atol=1e-5, rtol=1e-5)


def test_instance_norm_keeps_float32_statistics_for_half_precision() -> None:
    x = (randn(1, 2, 16, 16) * 1e-4).half()  # its variance underflows in float16
    y = instance_norm(x)
    assert y.dtype == torch.float16
    torch.testing.assert_close(y.float(), instance_norm(x.float()), atol=2e-3, rtol=2e-3)


def test_style_modulation_scales_by_one_plus_the_first_half_and_shifts_by_the_second() -> None:
    x = randn(2, 3, 4, 4)
    style = torch.tensor([[0.0, 1.0, -1.0, 10.0, 20.0, 30.0]]).expand(2, -1)
    y = style_modulation(x, style)
    torch.testing.assert_close(y[:, 0], x[:, 0] + 10)
    torch.testing.assert_close(y[:, 1], 2 * x[:, 1] + 20)
    torch.testing.assert_close(y[:, 2], torch.full((2, 4, 4), 30.0))


def test_blur_spreads_a_point_as_the_outer_product_of_its_taps() -> None:
    x = torch.zeros(1, 2, 5, 5)
    x[0, 1, 2, 2] = 16
    y = blur(x, blur_kernel((1, 2, 1)))
    assert y[0, 0].abs().max() == 0
    assert y[0, 1, 1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert y.sum() == 16


def test_blur_sees_zeros_beyond_the_border() -> None:
    y = blur(torch.ones(1, 1, 4, 4), blur_kernel((1, 2, 1)))
    assert y[0, 0, 1, 1] == 1
    assert y[0, 0, 0, 1] == pytest.approx(0.75)
    assert y[0, 0, 0, 0] == pytest.approx(0.5625)


def test_pixel_norm_gives_unit_mean_square() -> None:
    z = pixel_norm(randn(4, 32) * 7)
    torch.testing.assert_close(z.square().mean(1), torch.ones(4), atol=1e-6, rtol=0)


def test_upsample_nearest_repeats_pixels() -> None:
    assert upsample_nearest(torch.tensor([[[[1.0, 2.0]]]]), 1).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]
    x = randn(1, 1, 2, 2)
    assert upsample_nearest(x, 0) is x
    assert upsample_nearest(x, 3).shape == (1, 1, 16, 16)
