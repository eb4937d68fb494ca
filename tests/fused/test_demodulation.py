"""The factors around a StyleGAN2's convolutions: those of the plain network, times the gain, with its gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.fused.demodulation import Demodulation
from i2s_trt.models.stylegan2 import modulation

Shapes = list[tuple[int, int, float]]  # inputs, outputs and gain of each layer
layers = st.lists(
    st.tuples(st.integers(2, 9), st.integers(1, 9), st.sampled_from([1.0, 2**0.5, 0.5])), min_size=1, max_size=5
)


def drawn(shapes: Shapes, images: int, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    random = torch.Generator().manual_seed(seed)
    energies = [torch.rand(outputs, inputs, generator=random) + 0.1 for inputs, outputs, _ in shapes]
    styles = [torch.randn(images, inputs, generator=random) for inputs, _, _ in shapes]
    return energies, [style.requires_grad_() for style in styles]


def effect(factors: list[tuple[Tensor, Tensor]], seed: int) -> Tensor:
    """A number made of r times d, as a convolution makes its output: only together do they mean anything."""
    random, total = torch.Generator().manual_seed(seed), torch.zeros(())
    for r, d in factors:
        weight = torch.randn(d.shape[1], r.shape[1], generator=random)
        total = total + ((r @ weight.T) * d).square().sum()
    return total


@given(shapes=layers, images=st.integers(1, 3), seed=st.integers(0, 99))
def test_they_are_those_of_the_plain_network(shapes: Shapes, images: int, seed: int) -> None:
    energies, styles = drawn(shapes, images, seed)
    gains = [gain for _, _, gain in shapes]
    ours = Demodulation(energies, gains)(styles)
    plain = [modulation(style, energy) for style, energy in zip(styles, energies, strict=True)]
    wanted = [(r, d * gain) for (r, d), gain in zip(plain, gains, strict=True)]
    for (r, d), (wanted_r, wanted_d) in zip(ours, wanted, strict=True):
        torch.testing.assert_close(r, wanted_r)
        torch.testing.assert_close(d, wanted_d)
    found = torch.autograd.grad(effect(ours, seed), styles)
    expected = torch.autograd.grad(effect(wanted, seed), styles)
    size = float(effect(wanted, seed).detach())  # what the gradient is a small difference of, over the style
    for a, b, style in zip(found, expected, styles, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * size / float(style.detach().abs().max()))


def test_a_style_of_zeros_gives_finite_factors_and_gradients() -> None:
    style = torch.zeros(1, 4, requires_grad=True)
    ((r, d),) = Demodulation([torch.ones(2, 4)], [1.0])([style])
    (gradient,) = torch.autograd.grad(r.sum() + d.sum(), style)
    assert all(one.isfinite().all() for one in (r, d, gradient))
    assert r.abs().max() == 0


@pytest.mark.parametrize("size", [0.1, 1e4])
def test_the_size_of_a_style_is_taken_out_again(size: float) -> None:
    energies, (style,) = drawn([(6, 5, 1.0)], 2, 0)
    ((r, d),) = Demodulation(energies, [1.0])([style])
    ((scaled_r, scaled_d),) = Demodulation(energies, [1.0])([style * size])
    torch.testing.assert_close(scaled_r * scaled_d.sum(), r * d.sum(), rtol=2e-3, atol=1e-5)
    assert scaled_r.abs().max() == 1
