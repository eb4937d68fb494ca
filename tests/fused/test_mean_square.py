"""The loss's mean square: the fused one is the written one, in value, gradient and layout."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.errors import UsageError
from i2s_trt.fused.mean_square import fused_mean_square, mean_square
from tests.fused.maps import distance

SIDE = st.integers(1, 9)


def drawn(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(shape, generator=random).to(dtype, memory_format=torch.channels_last) for _ in range(2))
    return a.requires_grad_(), b


@settings(max_examples=20)
@given(images=st.integers(1, 3), channels=SIDE, height=SIDE, width=SIDE, seed=st.integers(0, 99))
def test_value_and_gradient_are_those_of_the_formula(
    images: int, channels: int, height: int, width: int, seed: int
) -> None:
    a, b = drawn(images, channels, height, width, seed=seed)
    weights = torch.arange(1, images + 1, dtype=torch.float32)
    wanted, ours = mean_square(a, b), fused_mean_square(a, b)
    assert torch.equal(wanted, ours)
    torch.testing.assert_close(wanted.detach(), (a - b).detach().square().mean(dim=(1, 2, 3)), rtol=1e-5, atol=0)
    (expected,), (gradient,) = (torch.autograd.grad((one * weights).sum(), a) for one in (wanted, ours))
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_16_bits_the_product_is_rounded_once(dtype: torch.dtype) -> None:
    a, b = drawn(2, 8, 16, 16, dtype=dtype)
    (gradient,) = torch.autograd.grad(fused_mean_square(a, b).sum(), a)
    exact = 2 / (8 * 16 * 16) * (a - b).double()
    assert gradient.dtype == dtype
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert distance(gradient, exact) < (0.003 if dtype == torch.bfloat16 else 0.02)  # fp16: near its smallest numbers


def test_a_second_derivative_is_refused_and_targets_get_none() -> None:
    a, b = drawn(1, 2, 3, 3)
    with pytest.raises(UsageError, match="cannot be differentiated again"):
        torch.autograd.grad(fused_mean_square(a, b).sum(), a, create_graph=True)
    b.requires_grad_()
    gradient = torch.autograd.grad(fused_mean_square(a, b).sum(), b, allow_unused=True)[0]
    assert gradient is None
