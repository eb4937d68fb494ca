"""A StyleGAN2 with frozen weights: the same pictures and gradients as the ordinary one."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from i2s_trt.errors import UsageError
from i2s_trt.fused.cpu import Native
from i2s_trt.fused.epilogue import Epilogue, Formula
from i2s_trt.fused.modulated import Modulation, ModulationFormula, NativeModulation, Offset
from i2s_trt.fused.synthesis import freeze_synthesis
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from tests.fused.maps import distance

EPILOGUES = [Formula(), Native()]
KINK = 5e-3  # a gradient's share that an activation next to 0, on the other side after rounding, can change


def generator(resolution: int = 32, **changes: Any) -> Generator:
    return Generator.from_weights(random_weights(replace(stylegan2_spec(resolution, 12, 16), **changes), seed=1))


def pair(network: Generator, dtype: torch.dtype, epilogue: Epilogue, images: int = 2) -> tuple[float, float]:
    """How far picture and gradient are from the ordinary ones."""
    w_plus = network.broadcast(network.mapping(torch.randn(images, network.z_dim))).clone().requires_grad_()
    wanted, ours = network.synthesis(w_plus), freeze_synthesis(network.synthesis, dtype, epilogue)(w_plus)
    back = torch.randn_like(wanted)
    (a,), (b,) = torch.autograd.grad(ours, w_plus, back), torch.autograd.grad(wanted, w_plus, back)
    assert ours.dtype == torch.float32
    return distance(ours, wanted), distance(a, b)


@pytest.mark.parametrize("epilogue", EPILOGUES, ids=["formula", "native"])
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"topology": "resnet"}, {"topology": "orig"}, {"conv_clamp": 0.7}, {"conv_clamp": None},
        {"topology": "resnet", "conv_clamp": 0.7}, {"resample_taps": (1.0, 2.0, 3.0, 1.0)},
    ],
    ids=str,
)  # fmt: skip
def test_every_architecture(epilogue: Epilogue, changes: dict[str, Any]) -> None:
    picture, gradient = pair(generator(**changes), torch.float32, epilogue)
    assert picture < 1e-5
    assert gradient < KINK


@pytest.mark.parametrize("resolution", [4, 8])
def test_the_smallest(resolution: int) -> None:
    picture, gradient = pair(generator(resolution), torch.float32, Native())
    assert max(picture, gradient) < 1e-4


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.03), (torch.float16, 0.004)])
def test_sixteen_bits_begin_above_32_pixels(dtype: torch.dtype, tolerance: float) -> None:
    assert pair(generator(32), dtype, Native())[0] < 1e-5
    assert 1e-5 < pair(generator(64), dtype, Native())[0] < tolerance


def test_large_styles_fit_float16() -> None:
    """Demodulation takes the size of a style out again; products must not overflow before it does."""
    network = generator(64, conv_clamp=None)
    with torch.no_grad():
        for layer in network.synthesis.layers:
            layer.get_parameter("style.weight").mul_(3e4)
            layer.get_parameter("style.bias").mul_(3e4)
    picture, _ = pair(network, torch.float16, Native(), images=1)
    assert picture < 0.01


def test_other_noise_is_used() -> None:
    network = generator()
    noise = [torch.randn(2, *m.shape[1:]) for m in network.synthesis.stored_noise()]
    assert len(noise) == network.num_layers - 1
    w_plus = network.mean_w_plus.repeat(2, 1, 1)
    ours = freeze_synthesis(network.synthesis, torch.float32, Native())(w_plus, noise)
    assert distance(ours, network.synthesis(w_plus, noise)) < 1e-5
    assert distance(ours[:1], ours[1:]) > 1e-3


def test_images_of_a_batch_do_not_depend_on_each_other_on_the_cpu() -> None:
    network = generator()
    frozen = freeze_synthesis(network.synthesis, torch.float32, Native())
    w_plus = network.broadcast(network.mapping(torch.randn(3, network.z_dim)))
    torch.testing.assert_close(frozen(w_plus)[:1], frozen(w_plus[:1]), rtol=1e-4, atol=1e-5)


def test_a_gradient_that_can_be_differentiated_again_is_refused() -> None:
    network = generator(8)
    w_plus = network.mean_w_plus.unsqueeze(0).clone().requires_grad_()
    images = freeze_synthesis(network.synthesis, torch.float32, Native())(w_plus)
    with pytest.raises(UsageError, match="cannot be differentiated again"):
        torch.autograd.grad(images.sum(), w_plus, create_graph=True)


def offset(channels: int, height: int, width: int) -> Offset:
    noise, bias = torch.randn(1, 1, height, width), torch.randn(channels)
    return Offset(noise + bias.view(1, -1, 1, 1), noise.flatten(1), bias)


@pytest.mark.parametrize("bound", [None, 0.5])
@pytest.mark.parametrize("images", [1, 2])
def test_the_native_kernels_are_the_formulas(images: int, bound: float | None) -> None:
    v, gradient = (torch.randn(images, 5, 6, 4).contiguous(memory_format=torch.channels_last) for _ in range(2))
    d, s, o = torch.rand(images, 5) + 0.5, torch.randn(images, 5), offset(5, 6, 4)
    implementations: list[Modulation] = [ModulationFormula(), NativeModulation()]
    results = []
    for one in implementations:
        y = one.activate(v.clone(memory_format=torch.channels_last), d, o, bound)
        results.append([y, *one.differentiate(gradient, y, d, o, bound), *one.modulate_backward(gradient, v, s)])
    for ours, wanted in zip(*results, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-5)


def test_the_formulas_are_what_autograd_makes() -> None:
    v, x = torch.randn(2, 3, 4, 4, dtype=torch.double), torch.randn(2, 3, 4, 4, dtype=torch.double)
    d, s = torch.rand(2, 3, dtype=torch.double) + 0.5, torch.randn(2, 3, dtype=torch.double)
    o, gradient = offset(3, 4, 4), torch.randn(2, 3, 4, 4, dtype=torch.double)
    ours = ModulationFormula()
    for one in (v, d, x, s):
        one.requires_grad_()
    y = ours.activate(v, d, o, 0.8)
    wanted = torch.autograd.grad(y, (v, d), gradient)
    for found, want in zip(ours.differentiate(gradient, y.detach(), d.detach(), o, 0.8), wanted, strict=True):
        torch.testing.assert_close(found.double(), want, rtol=1e-5, atol=1e-5)
    wanted = torch.autograd.grad(x * s[:, :, None, None], (x, s), gradient)
    found_both = ours.modulate_backward(gradient, x.detach(), s.detach())
    for found, want in zip(found_both, wanted, strict=True):
        torch.testing.assert_close(found.double(), want, rtol=1e-5, atol=1e-5)
