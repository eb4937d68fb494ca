"""What follows a convolution: the formulas against autograd, the CPU's kernels against the formulas."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.fused.choice import choose_epilogue, needs_a_compiler
from i2s_trt.fused.cpu import Native
from i2s_trt.fused.epilogue import Epilogue, Formula, Kept
from i2s_trt.models.layers import blur, instance_norm, style_modulation
from tests.fused.maps import Case, distance, random_case

TAPS = [(), (1.0, 2.0, 1.0), (1.0, 3.0, 2.0)]  # the last one tells a filter from its mirror image


def run(epilogue: Epilogue, case: Case) -> tuple[Tensor, Kept, tuple[Tensor, Tensor, Tensor]]:
    offset = epilogue.offset(case.noise, case.noise_weight, case.bias)
    out, kept = epilogue.forward(case.x.clone(), offset, case.scale, case.shift, case.layer)
    return out, kept, epilogue.backward(case.gradient, kept, case.scale, case.layer)


def by_autograd(case: Case) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The modules' own operations, on ordinary maps: channels last, PyTorch 2.13's norm is differentiated wrongly."""
    case = replace(case, x=case.x.contiguous(), gradient=case.gradient.contiguous())
    x, scale, shift = (t.clone().requires_grad_() for t in (case.x, case.scale, case.shift))
    y = x if case.layer.blur_kernel is None else blur(x, case.layer.blur_kernel)
    y = y + case.noise * case.noise_weight.view(1, -1, 1, 1) + case.bias.view(1, -1, 1, 1)
    y = instance_norm(F.leaky_relu(y, case.layer.slope))
    out = style_modulation(y, torch.cat([scale - 1, shift], dim=1))
    return out.detach(), torch.autograd.grad(out, (x, scale, shift), case.gradient)


@pytest.mark.parametrize("epilogue", [Formula(), Native()])
@pytest.mark.parametrize("taps", TAPS)
@pytest.mark.parametrize("own_noise", [False, True])
@settings(max_examples=8)
@given(
    images=st.integers(1, 3), channels=st.integers(1, 40), height=st.integers(2, 9), width=st.integers(2, 9),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_both_agree_with_autograd(
    epilogue: Epilogue, taps: tuple[float, ...], own_noise: bool,
    images: int, channels: int, height: int, width: int, seed: int,
) -> None:  # fmt: skip
    case = random_case((images, channels, height, width), taps=taps, own_noise=own_noise, seed=seed)
    wanted, gradients = by_autograd(case)
    out, _, ours = run(epilogue, case)
    torch.testing.assert_close(out, wanted, rtol=1e-3, atol=1e-4)
    for one, other in zip(ours, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_sixteen_bits_statistics_and_sums_stay_float32(dtype: torch.dtype) -> None:
    case = random_case((2, 12, 16, 16), dtype=dtype)
    exact = random_case((2, 12, 16, 16))
    for epilogue in (Formula(), Native()):
        out, kept, gradients = run(epilogue, case)
        assert (out.dtype, kept.activation.dtype, gradients[0].dtype) == (dtype, dtype, dtype)
        assert {t.dtype for t in (kept.mean, kept.inverse, *gradients[1:])} == {torch.float32}
        wanted, _, wanted_gradients = run(Formula(), exact)
        assert distance(out, wanted) < 0.02
        assert all(distance(a, b) < 0.05 for a, b in zip(gradients, wanted_gradients, strict=True))


def test_a_million_pixels_are_added_up_without_loss() -> None:
    case = random_case((1, 2, 1024, 1024), mean=8.0)
    _, kept, _ = run(Native(), case)
    variance, mean = torch.var_mean(kept.activation.double(), dim=(2, 3), correction=0)
    assert distance(kept.mean, mean) < 1e-6
    assert distance(kept.inverse, variance.rsqrt()) < 1e-5


def test_images_of_a_batch_do_not_depend_on_each_other() -> None:
    case = random_case((3, 5, 8, 8), own_noise=True)
    out, _, gradients = run(Native(), case)
    for i in range(3):
        own = slice(i, i + 1)
        alone = Case(
            case.x[own], case.noise[own], case.noise_weight, case.bias, case.scale[own], case.shift[own],
            case.gradient[own], case.layer,
        )  # fmt: skip
        one, _, own_gradients = run(Native(), alone)
        assert torch.equal(out[own], one)
        assert all(torch.equal(a[own], b) for a, b in zip(gradients, own_gradients, strict=True))


def test_the_kernels_of_each_device() -> None:
    cpu, other = torch.device("cpu"), torch.device("meta")
    assert isinstance(choose_epilogue(cpu, compiled=False), Native)
    assert isinstance(choose_epilogue(cpu, compiled=True), Formula)
    assert isinstance(choose_epilogue(other, compiled=False), Formula)
    assert needs_a_compiler(Formula(), compiled=True)
    assert not needs_a_compiler(Native(), compiled=False)
