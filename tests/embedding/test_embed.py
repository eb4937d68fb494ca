"""Algorithm 1 on a small generator."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.embedding.embed import EmbedProblem, EmbedProgress, embed, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.errors import ImageError, LatentError
from i2s_trt.images.fit import to_pixels
from i2s_trt.models import vgg_weights
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16
from i2s_trt.synthesizer import TorchSynthesizer

QUICK = EmbedOptions(steps=12, learning_rate=0.05)
PIXEL = ObjectiveOptions(layer_weights={})


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    random = np.random.default_rng(0)
    return [np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((4, 4, 1))).astype(np.uint8) for _ in range(3)]


def test_the_loss_falls_and_the_record_is_complete(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    (result,) = embed(toy, pictures[:1], replace(QUICK, steps=60), vgg=vgg)
    latent = result.latent
    assert latent.losses["total"] < 0.5 * latent.curve[0, 0]
    assert latent.w_plus.shape == (toy.num_layers, toy.w_dim)
    assert latent.curve.shape == (60, 6)
    assert latent.curve_terms == ("total", "pixel", "conv1_1", "conv1_2", "conv3_2", "conv4_2")
    assert latent.distance == pytest.approx(np.linalg.norm(latent.w_plus - toy.mean_w.numpy()), rel=1e-4)
    assert latent.model_digest == toy.digest
    assert latent.options == replace(QUICK, steps=60).to_json()
    assert latent.extra["features"] == vgg.source.name
    assert latent.status == "finished"
    again = TorchSynthesizer(toy)(latent.w_plus[None])[0]  # laid out anew, so that it rounds otherwise
    off = np.abs(result.picture.astype(int) - again)
    assert off.max() <= 1
    assert off.mean() < 0.01


def test_features_trained_on_imagenet_are_the_default(toy: Generator, pictures: list[Pixels]) -> None:
    left_out, named = (embed(toy, pictures[:1], QUICK, vgg=features)[0].latent for features in (None, imagenet_vgg16()))
    assert left_out.extra["features"] == named.extra["features"] == vgg_weights.NAME
    np.testing.assert_array_equal(left_out.w_plus, named.w_plus)
    assert left_out.losses["total"] < left_out.curve[0, 0]


def test_a_picture_of_the_models_own_is_found_again(toy: Generator, vgg: Vgg16) -> None:
    w = toy.mapping(torch.randn(1, toy.z_dim, generator=torch.Generator().manual_seed(1)))
    target = to_pixels(toy(toy.truncate(w, psi=0.3, cutoff=99)))[0]
    options = EmbedOptions(steps=400, learning_rate=0.02, objective=PIXEL)
    (result,) = embed(toy, [target], options, vgg=vgg)
    difference = result.picture.astype(float) - target
    assert 10 * np.log10(255**2 / np.square(difference).mean()) > 30


def test_twice_gives_identical_latents(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    first, second = (embed(toy, pictures[:1], QUICK, vgg=vgg)[0].latent for _ in range(2))
    np.testing.assert_array_equal(first.w_plus, second.w_plus)
    np.testing.assert_array_equal(first.curve, second.curve)


@pytest.mark.parametrize("changes", [{}, {"init": "random"}, {"noise": "resampled"}, {"noise": 5}, {"space": "w"}])
def test_a_batch_equals_its_single_runs(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], changes: dict[str, Any]
) -> None:
    options = replace(QUICK, **changes)
    together = embed(toy, pictures, options, vgg=vgg)
    reversed_ = embed(toy, pictures[::-1], options, vgg=vgg)[::-1]
    for picture, one, other in zip(pictures, together, reversed_, strict=True):
        (alone,) = embed(toy, [picture], options, vgg=vgg)
        np.testing.assert_array_equal(one.latent.w_plus, alone.latent.w_plus)
        np.testing.assert_array_equal(one.latent.curve, alone.latent.curve)
        np.testing.assert_array_equal(other.latent.w_plus, alone.latent.w_plus)


def test_a_stopped_run_goes_on_to_the_same_result(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    options = replace(QUICK, noise="resampled")
    unbroken = embed(toy, pictures, options, vgg=vgg)
    stopped = embed(toy, pictures, options, vgg=vgg, callback=lambda progress: progress.steps[0] >= 5)
    assert [item.latent.status for item in stopped] == ["interrupted"] * 3
    assert [len(item.latent.curve) for item in stopped] == [5] * 3
    state = type(stopped[0].state).stack([item.state for item in stopped])
    resumed = embed(toy, pictures, options, vgg=vgg, start=state)
    for a, b in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(a.latent.w_plus, b.latent.w_plus)
        np.testing.assert_array_equal(a.latent.curve, b.latent.curve)


def test_the_callback_sees_every_step(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    seen: list[EmbedProgress] = []

    def keep(progress: EmbedProgress) -> None:
        seen.append(progress)

    (result,) = embed(toy, pictures[:1], QUICK, vgg=vgg, callback=keep)
    assert [progress.steps[0] for progress in seen] == list(range(1, 13))
    np.testing.assert_allclose([progress.losses[0] for progress in seen], result.latent.curve[:, 0])
    assert all(later.seconds >= earlier.seconds for earlier, later in pairwise(seen))


@pytest.mark.parametrize(("space", "shape"), [("w+", (1, 6, 24)), ("w", (1, 1, 24)), ("z", (1, 24))])
@pytest.mark.parametrize("init", ["mean", "random"])
def test_spaces_and_starting_points(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], space: Any, shape: tuple[int, ...], init: Any
) -> None:
    options = replace(QUICK, space=space, init=init, objective=PIXEL)
    problem = EmbedProblem(Embedder(toy, options, vgg), pictures[:1])
    state = problem.start()
    assert state.variable.shape == shape
    if init == "random":
        assert state.variable.abs().max() <= 1
        assert state.variable.std() > 0.3
    elif space != "z":
        assert torch.equal(state.variable, toy.mean_w.expand(shape))
    optimise(problem, state)
    latent = problem.finish(state, 0.0)[0].latent
    assert latent.losses["total"] < latent.curve[0, 0]
    if space != "w+":
        np.testing.assert_array_equal(latent.w_plus, np.broadcast_to(latent.w_plus[:1], latent.w_plus.shape))


def test_the_mean_start_in_z_lies_nearer_to_the_mean_than_a_random_one(toy: Generator, vgg: Vgg16) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    distance = {}
    for init in ("mean", "random"):
        options = EmbedOptions(steps=0, space="z", init=init)
        distance[init] = embed(toy, [picture], options, vgg=vgg)[0].latent.distance
    assert distance["mean"] < distance["random"]


def test_starting_from_a_latent(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    (first,) = embed(toy, pictures[:1], QUICK, vgg=vgg)
    options = replace(QUICK, init="latent", steps=0)
    (again,) = embed(toy, pictures[:1], options, vgg=vgg, initial=first.latent.w_plus)
    np.testing.assert_array_equal(again.latent.w_plus, first.latent.w_plus)
    with pytest.raises(LatentError, match="Z"):
        embed(toy, pictures[:1], replace(options, space="z"), vgg=vgg, initial=first.latent.w_plus)


def test_seeds_matter_only_where_there_is_randomness(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    def latent(**changes: Any) -> WPlus:
        return embed(toy, pictures[:1], replace(QUICK, **changes), vgg=vgg)[0].latent.w_plus

    np.testing.assert_array_equal(latent(seed=1), latent(seed=2))
    assert not np.array_equal(latent(seed=1, init="random"), latent(seed=2, init="random"))
    assert not np.array_equal(latent(seed=1, noise="resampled"), latent(seed=2, noise="resampled"))
    assert not np.array_equal(latent(noise=1), latent(noise=2))


def test_resampled_noise_changes_the_loss_from_step_to_step(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    options = EmbedOptions(steps=6, learning_rate=1e-12, noise="resampled", objective=PIXEL)
    curve = embed(toy, pictures[:1], options, vgg=vgg)[0].latent.curve[:, 0]
    assert len(set(curve.tolist())) == 6
    still = embed(toy, pictures[:1], replace(options, noise="stored"), vgg=vgg)[0].latent.curve[:, 0]
    assert np.ptp(still) < 1e-3 * still[0]


def test_divergence_keeps_the_last_finite_latent(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    options = replace(QUICK, learning_rate=1e30)
    (result,) = embed(toy, pictures[:1], options, vgg=vgg)
    assert result.latent.status == "diverged"
    assert np.isfinite(result.latent.w_plus).all()
    assert np.isfinite(result.latent.losses["total"])


def test_weights_that_are_not_finite_are_reported_as_divergence(vgg: Vgg16, pictures: list[Pixels]) -> None:
    weights = random_weights(standard_spec(16, 8, 16), seed=0)
    tensors = {**weights.tensors, "synthesis.to_rgb.0.bias": torch.full((3,), torch.nan)}
    broken = Generator.from_weights(GeneratorWeights(weights.spec, tensors))
    (result,) = embed(broken, pictures[:1], QUICK, vgg=vgg)
    assert result.latent.status == "diverged"
    assert np.isfinite(result.latent.w_plus).all()
    assert result.latent.extra["steps_done"] == 0


def test_landscape_models_ignore_the_letterbox_rows(vgg: Vgg16) -> None:
    weights = random_weights(replace(standard_spec(32, 8, 16), crop=(4, 28)), seed=0)
    generator = Generator.from_weights(weights)
    picture = np.full((24, 32, 3), 90, np.uint8)
    (result,) = embed(generator, [picture], replace(QUICK, objective=PIXEL), vgg=vgg)
    assert result.picture.shape == (24, 32, 3)
    with pytest.raises(ImageError, match=r"\[32, 32, 3\], the model takes uint8 \[24, 32, 3\]"):
        embed(generator, [np.zeros((32, 32, 3), np.uint8)], QUICK, vgg=vgg)


def test_style_pictures_pull_towards_their_style(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    loss = ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=1.0, style_layer="conv1_2")
    options = replace(QUICK, steps=30, objective=loss)
    (result,) = embed(toy, pictures[:1], options, vgg=vgg, style_pictures=[pictures[1]])
    assert result.latent.losses["style"] < 0.7 * result.latent.curve[0, 1]


@pytest.mark.gpu
def test_on_a_gpu_the_loss_follows_the_cpus(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    (cpu,) = embed(toy, pictures[:1], QUICK, vgg=vgg)
    (gpu,) = embed(toy.to("cuda"), pictures[:1], QUICK, vgg=vgg)
    toy.cpu(), vgg.cpu()
    np.testing.assert_allclose(gpu.latent.curve[:, 0], cpu.latent.curve[:, 0], rtol=0.01)
