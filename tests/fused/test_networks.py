"""The networks with frozen weights: the same pictures, features and gradients as the ordinary ones."""

from dataclasses import replace

import pytest
import torch

from i2s_trt.fused.cpu import Native
from i2s_trt.fused.epilogue import Epilogue, Formula
from i2s_trt.fused.synthesis import freeze_synthesis
from i2s_trt.fused.vgg import FrozenVgg
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from tests.fused.maps import distance

EPILOGUES = [Formula(), Native()]
KINK = 5e-3  # a gradient's share that an activation next to 0, on the other side after rounding, can change


def pair(generator: Generator, dtype: torch.dtype, epilogue: Epilogue, images: int = 2) -> tuple[float, float]:
    """How far picture and gradient are from the ordinary ones."""
    w_plus = generator.truncate(generator.mapping(torch.randn(images, generator.z_dim))).requires_grad_()
    wanted, ours = generator.synthesis(w_plus), freeze_synthesis(generator.synthesis, dtype, epilogue)(w_plus)
    back = torch.randn_like(wanted)
    (a,), (b,) = torch.autograd.grad(ours, w_plus, back), torch.autograd.grad(wanted, w_plus, back)
    assert ours.dtype == torch.float32
    return distance(ours, wanted), distance(a, b)


@pytest.mark.parametrize("epilogue", EPILOGUES)
def test_the_reference_network_in_float32(tiny: Generator, epilogue: Epilogue) -> None:
    picture, gradient = pair(tiny, torch.float32, epilogue)
    assert picture < 1e-5
    assert gradient < KINK


@pytest.mark.parametrize("epilogue", EPILOGUES)
@pytest.mark.parametrize("changes", [{"lod": 1.0}, {"lod": 0.4}, {"blur_taps": ()}, {"blur_taps": (1.0, 3.0, 2.0)}])
def test_every_architecture(epilogue: Epilogue, changes: dict[str, object]) -> None:
    spec = replace(standard_spec(32, 12, 16), **changes)  # type: ignore[arg-type]
    picture, gradient = pair(Generator.from_weights(random_weights(spec, seed=1)), torch.float32, epilogue)
    assert picture < 1e-5
    assert gradient < KINK


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.02), (torch.float16, 0.004)])
def test_sixteen_bits_begin_above_32_pixels(dtype: torch.dtype, tolerance: float) -> None:
    coarse, fine = (Generator.from_weights(random_weights(standard_spec(r, 12, 16), seed=1)) for r in (32, 64))
    assert pair(coarse, dtype, Native())[0] < 1e-5
    assert 1e-5 < pair(fine, dtype, Native())[0] < tolerance


def test_other_noise_is_used(toy: Generator) -> None:
    noise = [torch.randn(2, *m.shape[1:]) for m in toy.synthesis.stored_noise()]
    w_plus = toy.mean_w_plus.repeat(2, 1, 1)
    ours = freeze_synthesis(toy.synthesis, torch.float32, Native())(w_plus, noise)
    assert distance(ours, toy.synthesis(w_plus, noise)) < 1e-5
    assert distance(ours[:1], ours[1:]) > 1e-3


def test_images_of_a_batch_do_not_depend_on_each_other_on_the_cpu(toy: Generator) -> None:
    frozen = freeze_synthesis(toy.synthesis, torch.float32, Native())
    w_plus = toy.truncate(toy.mapping(torch.randn(2, toy.z_dim)))
    torch.testing.assert_close(frozen(w_plus)[:1], frozen(w_plus[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("after_relu", [True, False])
def test_features_and_their_gradient(vgg: Vgg16, after_relu: bool) -> None:
    images = (60 * torch.randn(2, 3, 24, 24)).requires_grad_()
    ours, wanted = (net(images, after_relu=after_relu) for net in (FrozenVgg(vgg, torch.float32), vgg))
    assert ours.keys() == wanted.keys()
    for name in wanted:
        assert distance(ours[name], wanted[name]) < 1e-5
    back = {name: torch.randn_like(feature) for name, feature in wanted.items()}
    a, b = (torch.autograd.grad(sum((f[n] * back[n]).sum() for n in back), images)[0] for f in (ours, wanted))
    assert distance(a, b) < 1e-4


def test_features_stop_where_nothing_more_is_wanted(vgg: Vgg16) -> None:
    frozen = FrozenVgg(vgg, torch.bfloat16)
    features = frozen(torch.randn(1, 3, 16, 16), ["conv1_2"])
    assert set(features) == {"conv1_2"}
    assert features["conv1_2"].dtype == torch.bfloat16
    assert frozen.source == vgg.source
