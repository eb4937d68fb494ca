"""A frame's objective: Eq. 1 and the penalty on leaving the frame before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.embedding.embed import EmbedProblem, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, Space
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.video.problem import FrameProblem

OPTIONS = EmbedOptions(
    steps=4, init="latent", objective=ObjectiveOptions(layer_weights={}, input_scale="signed", pixel_weight=1.0)
)
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)


def before(generator: Generator) -> Any:
    noise = np.random.default_rng(1).standard_normal((generator.num_layers, generator.w_dim)).astype(np.float32)
    return np.asarray(generator.mean_w_plus.numpy() + 0.1 * noise, np.float32)


def test_without_strength_it_is_eq_1(toy: Generator, vgg: Vgg16) -> None:
    start = before(toy)
    ours = FrameProblem(Embedder(toy, OPTIONS, vgg), PICTURE, start, 0.0)
    plain = EmbedProblem(Embedder(toy, OPTIONS, vgg), [PICTURE], initial=start)
    state = plain.start()
    state.variable += 0.3
    for found, expected in zip(ours.losses_and_gradient(state), plain.losses_and_gradient(state), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("space", ["w+", "w"])
def test_the_penalty_is_the_squared_distance_over_all_of_w_plus(toy: Generator, vgg: Vgg16, space: Space) -> None:
    options, start = replace(OPTIONS, space=space), before(toy)
    held = FrameProblem(Embedder(toy, options, vgg), PICTURE, start, 3.0)
    free = FrameProblem(Embedder(toy, options, vgg), PICTURE, start, 0.0)
    state = held.start()
    torch.testing.assert_close(held.losses_and_gradient(state)[0], free.losses_and_gradient(state)[0])
    state.variable += 0.25
    penalty = held.losses_and_gradient(state)[0][0, 0] - free.losses_and_gradient(state)[0][0, 0]
    assert float(penalty) == pytest.approx(3.0 * 0.25**2 * toy.num_layers * toy.w_dim, rel=1e-4)


def test_the_gradient_is_that_of_the_total(toy: Generator, vgg: Vgg16) -> None:
    problem = FrameProblem(Embedder(toy, OPTIONS, vgg), PICTURE, before(toy), 5.0)
    state = problem.start()
    state.variable += 0.2
    _, gradient = problem.losses_and_gradient(state)
    direction = gradient / gradient.norm()
    ends = []
    for sign in (1, -1):
        moved = problem.start()
        moved.variable = state.variable + sign * 1e-2 * direction
        ends.append(float(problem.losses_and_gradient(moved)[0][0, 0]))
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(float(gradient.norm()), rel=0.02)


def test_a_strong_penalty_holds_the_frame(toy: Generator, vgg: Vgg16) -> None:
    distances = []
    for strength in (0.0, 1e3):
        problem = FrameProblem(Embedder(toy, replace(OPTIONS, steps=30), vgg), PICTURE, before(toy), strength)
        state = problem.start()
        optimise(problem, state)
        (embedding,) = problem.finish(state, 0.0)
        distances.append(float(np.linalg.norm(embedding.latent.w_plus - before(toy))))
        assert set(embedding.latent.losses) == {"total", "pixel"}
        assert embedding.latent.losses["total"] == pytest.approx(embedding.latent.losses["pixel"], rel=1e-5)
    assert distances[1] < 0.2 * distances[0]
