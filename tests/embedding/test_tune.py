"""Pivotal tuning: the generator fits a photograph around its latent, and stays what it is elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import changed
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions, TuneOptions
from i2s_trt.embedding.steps import tuning
from i2s_trt.embedding.steps.captured import Step, stepper
from i2s_trt.embedding.tune import Tuned, Tuner, energies, ramp, tunable, tunable_noise
from i2s_trt.errors import UsageError
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.seeds import w_plus_from_seed

OPTIONS = TuneOptions(steps=30, coarsest=8, rate=6e-3, noise_rate=0.1)
PIXEL = ObjectiveOptions(layer_weights={})


@pytest.fixture(params=["stylegan1", "stylegan2"])
def generator(request: pytest.FixtureRequest, toy: Generator) -> Generator:
    if request.param == "stylegan1":
        return toy
    return Generator.from_weights(random_weights(stylegan2_spec(16, 12, 16), seed=1))


@pytest.fixture
def pivot(generator: Generator) -> WPlus:
    return w_plus_from_seed(generator, 3)


@pytest.fixture
def picture(generator: Generator, pivot: WPlus) -> Pixels:
    """What the pivot draws, with a dark square that W+ has no way to draw."""
    drawn = draw(generator, pivot).copy()
    drawn[3:9, 5:11] //= 3
    return drawn


def draw(generator: Generator, w_plus: WPlus) -> Pixels:
    with torch.no_grad():
        pixels: Pixels = to_pixels(generator(torch.from_numpy(w_plus)[None]))[0]
    return pixels


def error(one: Pixels, other: Pixels) -> float:
    return float(np.square(one.astype(float) - other).mean())


def test_the_picture_comes_nearer_and_the_model_is_left_alone(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels
) -> None:
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    tuned = Tuner(generator, vgg, ObjectiveOptions(), OPTIONS)(pivot, picture)
    assert tuned.losses[-1] < 0.5 * tuned.losses[0]
    assert len(tuned.losses) == OPTIONS.steps
    wanted = [error(draw(generator, pivot), picture), error(tuned.picture, picture)]
    assert list(tuned.mean_square_errors) == pytest.approx(wanted)
    assert tuned.mean_square_errors[1] < 0.5 * tuned.mean_square_errors[0]
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_the_picture_is_what_the_delta_draws(generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels) -> None:
    tuned = Tuner(generator, vgg, PIXEL, OPTIONS)(pivot, picture)
    np.testing.assert_array_equal(draw(changed(generator, tuned.delta), pivot), tuned.picture)
    assert tuned.delta.record["options"] == OPTIONS.to_json()


def test_whoever_looks_sees_the_tuning_as_it_is_then(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels
) -> None:
    seen: dict[int, Pixels] = {}

    def look(step: int, so_far: Callable[[], Tuned]) -> None:
        if step in (4, 8):
            seen[step] = so_far().picture

    options = replace(OPTIONS, steps=8)
    tuner = Tuner(generator, vgg, PIXEL, options)
    last = tuner(pivot, picture, look=look)
    steps: list[int] = []
    stopped = tuner(pivot, picture, lambda step, _: steps.append(step), lambda: len(steps) == 4)
    np.testing.assert_array_equal(seen[4], stopped.picture)
    np.testing.assert_array_equal(seen[8], last.picture)


def test_features_are_looked_at_now_and_then(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    whole = Objective.forward

    def forward(self: Objective, images: Tensor) -> Tensor:
        seen.append(bool(self.layers))
        return whole(self, images)

    monkeypatch.setattr(Objective, "forward", forward)
    Tuner(generator, vgg, ObjectiveOptions(), replace(OPTIONS, steps=6, interval=3, locality=0.0))(pivot, picture)
    assert seen == [True, False, False, True, False, False]
    seen.clear()
    no_pixels = replace(OPTIONS, steps=3, interval=3, locality=0.0, pixel_weight=0.0)
    Tuner(generator, vgg, ObjectiveOptions(), no_pixels)(pivot, picture)
    assert seen == [True, True, True]


def test_twice_is_the_same(generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels) -> None:
    tuner = Tuner(generator, vgg, PIXEL, OPTIONS)
    first, second = tuner(pivot, picture), tuner(pivot, picture)
    assert first.losses == second.losses
    for name, array in first.delta.tensors.items():
        np.testing.assert_array_equal(array, second.delta.tensors[name])


def test_locality_keeps_other_samples_as_they_are(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels
) -> None:
    def moved(locality: float) -> float:
        options = replace(OPTIONS, locality=locality, interval=1, noise_rate=0.0)
        other = changed(generator, Tuner(generator, vgg, PIXEL, options)(pivot, picture).delta)
        samples = [w_plus_from_seed(generator, seed) for seed in range(50, 56)]
        return float(np.mean([error(draw(generator, one), draw(other, one)) for one in samples]))

    assert moved(1.0) < 0.7 * moved(0.0)


def test_only_fine_convolutions_and_colours_change(toy: Generator) -> None:
    names = tunable(Generator(standard_spec(128, 4, 8)), 32)
    assert {name.split(".")[1] for name in names if name.startswith("layers.")} == {"6", "7", "8", "9", "10", "11"}
    assert any(name.startswith("to_rgb.") for name in names)
    assert not [name for name in names if ".style." in name or name == "const"]
    assert set(tunable(toy, 32)) == set(tunable(toy, 4)), "of a model of 16 pixels, a quarter of its side"


def test_noise_maps_take_what_lies_in_one_place(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels
) -> None:
    with_noise, without = (
        Tuner(generator, vgg, PIXEL, replace(OPTIONS, noise_rate=rate))(pivot, picture) for rate in (0.3, 0.0)
    )
    assert with_noise.mean_square_errors[1] < 0.8 * without.mean_square_errors[1]
    changed_maps = {name for name in with_noise.delta.tensors if name.endswith(".noise")}
    assert changed_maps == {f"synthesis.{name}" for name in tunable_noise(generator, OPTIONS.coarsest)}
    assert not [name for name in without.delta.tensors if name.endswith(".noise")]


def test_rates_rise_and_fall() -> None:
    rates = [ramp(step, 50) for step in range(50)]
    assert rates[:8] == sorted(rates[:8])
    assert rates[8:] == sorted(rates[8:], reverse=True)
    assert 0 < rates[-1] < 0.01 < rates[0]
    assert max(rates) > 0.9


def test_what_the_embedding_saves_on_is_not_saved_here(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels
) -> None:
    quick = ObjectiveOptions(perceptual_size=8, prior_weight=3.0, style_weight=1.0)
    found = [Tuner(generator, vgg, one, OPTIONS)(pivot, picture).losses for one in (quick, ObjectiveOptions())]
    assert found[0] == found[1]


def test_it_can_be_stopped(generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels) -> None:
    seen: list[int] = []
    tuner = Tuner(generator, vgg, PIXEL, OPTIONS)
    tuned = tuner(pivot, picture, lambda step, _: seen.append(step), lambda: len(seen) == 4)
    assert seen == [1, 2, 3, 4]
    assert len(tuned.losses) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": -1},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"noise_rate": -0.1},
        {"locality": -1.0},
        {"interval": 0},
        {"coarsest": 2},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TuneOptions(**changes)


def test_energies_of_weights_in_sixteen_bits_do_not_vanish() -> None:
    """A weight of 1e-4 is one in 16 bits, and its square is none."""
    network = Generator.from_weights(random_weights(stylegan2_spec(8, 4, 8), seed=1))
    weights = {"layers.1.weight": torch.full((4, 4, 3, 3), 1e-4, dtype=torch.float16), "to_rgb.1.weight": torch.ones(3)}
    (found,) = energies(network, weights).items()
    assert found[0] == "layers.1.energy"
    torch.testing.assert_close(found[1], torch.full((4, 4), 9e-8), rtol=1e-2, atol=0)


@pytest.mark.gpu
def test_captured_steps_are_the_eager_ones(
    generator: Generator, vgg: Vgg16, pivot: WPlus, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that look as well as those that see pixels alone, and for a second picture too."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    generator, vgg = generator.to("cuda"), vgg.to("cuda")
    try:
        options, said = replace(OPTIONS, steps=10, interval=2), list[str]()  # three of each kind warm up
        shallow = ObjectiveOptions(layer_weights={"conv1_1": 1.0})
        kinds: list[Step] = []

        def one_step(*words: Any) -> Step:
            kinds.append(stepper(*words))
            return kinds[-1]

        monkeypatch.setattr(tuning, "stepper", one_step)
        captured = Tuner(generator, vgg, shallow, options, said.append)
        found = [captured(pivot, drawn) for drawn in (picture, 255 - picture)]
        assert [step.kind for step in kinds] == ["captured", "captured"], said
        monkeypatch.setattr(
            tuning, "stepper", lambda work, device, _capture, *rest: stepper(work, device, False, *rest)
        )
        eager = Tuner(generator, vgg, shallow, options, said.append)
        wanted = [eager(pivot, drawn) for drawn in (picture, 255 - picture)]
    finally:
        generator.cpu(), vgg.cpu()
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-3)
        assert ours.losses[-1] < ours.losses[0]
    assert said == []
