"""Noise maps optimised along with the latent: how they lie in the variable, what they are charged, what they gain."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.arrays import Array, Pixels
from i2s_trt.deltas import noise_delta
from i2s_trt.embedding.embed import Embedding, embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.noise import OptimisedNoise, structure
from i2s_trt.embedding.start.spaces import variable_shape
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.images.fit import to_pixels
from i2s_trt.latents import read_latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import TorchSynthesizer

OPTIONS = EmbedOptions(steps=25, learning_rate=0.05, noise="optimised", objective=ObjectiveOptions(layer_weights={}))


@pytest.fixture(scope="module")
def two() -> Generator:
    return Generator.from_weights(random_weights(stylegan2_spec(16, 12, 16), seed=1))


@pytest.fixture(params=["stylegan1", "stylegan2"])
def generator(request: pytest.FixtureRequest, toy: Generator, two: Generator) -> Generator:
    return toy if request.param == "stylegan1" else two


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(2)]


@pytest.fixture
def run(generator: Generator, vgg: Vgg16) -> Callable[..., list[Embedding]]:
    return lambda pictures, options=OPTIONS, **more: embed(generator, pictures, options, vgg=vgg, **more)


@pytest.mark.parametrize("space", ["w+", "w", "z"])
def test_latent_and_maps_lie_one_behind_the_other(generator: Generator, space: Any) -> None:
    layout = OptimisedNoise(generator, space, 255.0)
    latent = torch.randn(variable_shape(generator, space))
    found, maps = layout.split(torch.stack([layout.join(latent), layout.join(2 * latent)]))
    assert torch.equal(found, torch.stack([latent, 2 * latent]))
    for map_, stored in zip(maps, generator.synthesis.stored_noise(), strict=True):
        assert map_.shape == (2, *stored.shape[1:])
        torch.testing.assert_close(map_[0, 0], (stored[0, 0] - stored.mean()) / stored.std(correction=0))


@given(scale=st.floats(0.01, 100), shift=st.floats(-5, 5), seed=st.integers(0, 99))
def test_whitening_leaves_the_latent_and_is_done_once(scale: float, shift: float, seed: int) -> None:
    layout = OptimisedNoise(Generator(standard_spec(16, 4, 8)), "w+", 255.0)
    size = layout.join(torch.zeros(layout._shape)).numel()
    variable = scale * torch.randn(2, size, generator=torch.Generator().manual_seed(seed)) + shift
    white = layout.whiten(variable)
    assert torch.equal(layout.split(white)[0], layout.split(variable)[0])
    for map_ in layout.split(white)[1]:
        torch.testing.assert_close(map_.mean(dim=(2, 3)), torch.zeros(2, 1), atol=1e-3, rtol=0)
        torch.testing.assert_close(map_.square().mean(dim=(2, 3)), torch.ones(2, 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(layout.whiten(white), white, rtol=1e-3, atol=1e-3)


def directly(map_: Array) -> float:
    """`structure` of one map as its formula stands, pixel by pixel."""
    total, n = 0.0, map_.astype(np.float64)
    while True:
        side = len(n)
        for down, right in ((1, 0), (0, 1)):
            products = [n[y, x] * n[(y - down) % side, (x - right) % side] for y in range(side) for x in range(side)]
            total += float(np.mean(products)) ** 2
        if side <= 8:
            return total
        n = n.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_structure_is_the_formula(size: int) -> None:
    maps = torch.randn(3, 1, size, size, generator=torch.Generator().manual_seed(size))
    wanted = [directly(map_[0].numpy()) for map_ in maps]
    np.testing.assert_allclose(structure([maps]).numpy(), wanted, rtol=1e-4)


def test_what_shows_something_is_charged_and_noise_is_not() -> None:
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(-1.7, 1.7, 64).expand(1, 1, 64, 64)
    assert float(structure([noise])) < 0.1
    assert float(structure([ramp])) > 3
    assert float(structure([ramp, noise])) == pytest.approx(float(structure([ramp]) + structure([noise])))


def test_maps_of_their_own_reach_what_other_noise_has_drawn(
    run: Callable[..., list[Embedding]], generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2s_trt.embedding.start.noise._WEIGHT", 1e3)  # maps of 16 pixels are few to be white
    random = torch.Generator().manual_seed(9)
    maps = [3 * torch.randn(map_.shape, generator=random) for map_ in generator.synthesis.stored_noise()]
    with torch.no_grad():
        target = to_pixels(generator.synthesis(generator.mean_w_plus[None], maps))
    longer = replace(OPTIONS, steps=120)
    (with_noise,), (without,) = run(target, longer), run(target, replace(longer, noise="stored"))
    assert with_noise.latent.losses["pixel"] < 0.9 * without.latent.losses["pixel"]
    assert with_noise.latent.curve_terms == ("total", "pixel", "noise")
    assert with_noise.latent.noise
    assert not without.latent.noise


def test_the_maps_are_white_and_the_picture_is_rendered_with_them(
    run: Callable[..., list[Embedding]], generator: Generator, pictures: list[Pixels]
) -> None:
    (embedding,) = run(pictures[:1])
    for map_ in embedding.latent.noise:
        assert abs(float(map_.mean())) < 1e-4
        assert float(map_.var()) == pytest.approx(1, abs=1e-3)
    assert embedding.latent.losses["noise"] < float(structure([m.float() for m in generator.synthesis.stored_noise()]))
    plain = TorchSynthesizer(generator)
    own = noise_delta(embedding.latent.noise, [m[0, 0].numpy() for m in generator.synthesis.stored_noise()], "")
    rendered = plain.tuned(own)(embedding.latent.w_plus[None])[0]
    assert np.abs(rendered.astype(int) - embedding.picture).max() <= 1
    assert np.abs(plain(embedding.latent.w_plus[None])[0].astype(int) - embedding.picture).max() > 1


def test_a_batch_equals_its_single_runs(run: Callable[..., list[Embedding]], pictures: list[Pixels]) -> None:
    for picture, one in zip(pictures, run(pictures), strict=True):
        (alone,) = run([picture])
        np.testing.assert_array_equal(one.latent.w_plus, alone.latent.w_plus)
        for a, b in zip(one.latent.noise, alone.latent.noise, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_stopped_run_goes_on_to_the_same_result(
    run: Callable[..., list[Embedding]], pictures: list[Pixels], tmp_path: Path
) -> None:
    (unbroken,) = run(pictures[:1])
    (stopped,) = run(pictures[:1], callback=lambda progress: progress.steps[0] >= 10)
    (resumed,) = run(pictures[:1], start=EmbedState.stack([stopped.state]))
    np.testing.assert_array_equal(resumed.latent.curve, unbroken.latent.curve)
    save_latent(tmp_path / "a.safetensors", resumed.latent)
    for ours, wanted in zip(read_latent(tmp_path / "a.safetensors").noise, unbroken.latent.noise, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_maps_of_another_model_are_refused(toy: Generator) -> None:
    with pytest.raises(LatentError, match="1 noise maps that do not fit the model's 6"):
        noise_delta([np.zeros((4, 4), np.float32)], [m[0, 0].numpy() for m in toy.synthesis.stored_noise()], "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"schedule": "fast"}, "same noise at every step"), ({"precision": "bf16"}, "not optimised in bf16")],
)
def test_what_it_does_not_go_with_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EmbedOptions(noise="optimised", **changes)
