"""The paper's operations, by their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from i2s_trt.arrays import WPlus
from i2s_trt.edit.operations import (
    crossover,
    expression_direction,
    expression_transfer,
    morph,
    move,
    style_layers,
    truncate,
)
from i2s_trt.errors import LatentError, UsageError

LAYERS, WIDTH = 6, 5
values = st.floats(-20, 20, width=32)
latents = arrays(np.float32, (LAYERS, WIDTH), elements=values)
strengths = st.floats(-3, 3)


@given(latents, latents)
def test_the_ends_of_a_morph_are_exact(first: WPlus, second: WPlus) -> None:
    np.testing.assert_array_equal(morph(first, second, 1.0), first)
    np.testing.assert_array_equal(morph(first, second, 0.0), second)


@given(latents, latents, st.floats(0, 1))
def test_a_morph_is_symmetric_and_stays_between(first: WPlus, second: WPlus, weight: float) -> None:
    middle = morph(first, second, weight)
    np.testing.assert_allclose(middle, morph(second, first, 1 - weight), atol=1e-5)
    assert (middle >= np.minimum(first, second) - 1e-5).all()
    assert (middle <= np.maximum(first, second) + 1e-5).all()


@given(latents, latents, st.sets(st.integers(0, LAYERS - 1)))
def test_a_crossover_takes_the_named_layers_and_only_them(content: WPlus, style: WPlus, layers: set[int]) -> None:
    mixed = crossover(content, style, sorted(layers))
    for layer in range(LAYERS):
        np.testing.assert_array_equal(mixed[layer], (style if layer in layers else content)[layer])


def test_the_default_crossover_is_the_papers() -> None:
    assert list(style_layers(18)) == list(range(9, 18))
    assert list(style_layers(12)) == list(range(6, 12))
    mixed = crossover(np.zeros((18, 4), np.float32), np.ones((18, 4), np.float32))
    assert mixed[:9].max() == 0
    assert mixed[9:].min() == 1


@given(latents, latents, latents)
def test_no_strength_leaves_the_target_exactly(target: WPlus, neutral: WPlus, expression: WPlus) -> None:
    np.testing.assert_array_equal(expression_transfer(target, neutral, expression, 0.0), target)


@given(latents, latents, strengths)
def test_transfer_onto_the_neutral_face_itself_without_threshold_gives_the_expression(
    neutral: WPlus, expression: WPlus, strength: float
) -> None:
    full = expression_transfer(neutral, neutral, expression, 1.0, threshold=0.0)
    np.testing.assert_allclose(full, expression, atol=1e-5)
    there = expression_transfer(neutral, neutral, expression, strength)
    back = expression_transfer(there, neutral, expression, -strength)
    np.testing.assert_allclose(back, neutral, atol=1e-4)


@given(latents, latents, st.floats(0, 30))
def test_rows_below_the_threshold_vanish_and_others_stay(neutral: WPlus, expression: WPlus, threshold: float) -> None:
    direction = expression_direction(neutral, expression, threshold)
    difference = expression.astype(np.float64) - neutral
    for row, kept in zip(difference, direction, strict=True):
        if np.linalg.norm(row) < threshold:
            assert not kept.any()
        else:
            np.testing.assert_allclose(kept, row, rtol=1e-6, atol=1e-6)


def test_normalised_directions_have_unit_length_and_the_same_sense() -> None:
    random = np.random.default_rng(0)
    neutral, expression = random.normal(size=(2, LAYERS, WIDTH)).astype(np.float32) * 3
    plain = expression_direction(neutral, expression)
    unit = expression_direction(neutral, expression, normalize=True)
    assert np.linalg.norm(unit) == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(unit * np.linalg.norm(plain), plain, rtol=1e-4, atol=1e-5)
    assert not expression_direction(neutral, neutral, normalize=True).any()


@pytest.mark.parametrize("shape", [(LAYERS, WIDTH), (1, WIDTH), (WIDTH,)])
def test_directions_of_any_form_are_broadcast(shape: tuple[int, ...]) -> None:
    moved = move(np.zeros((LAYERS, WIDTH), np.float32), np.ones(shape), 2.0)
    np.testing.assert_array_equal(moved, np.full((LAYERS, WIDTH), 2.0))


@given(latents, arrays(np.float32, (WIDTH,), elements=values))
def test_truncation_ends(latent: WPlus, mean: WPlus) -> None:
    np.testing.assert_allclose(truncate(latent, mean, 0.0), np.tile(mean, (LAYERS, 1)), atol=1e-6)
    np.testing.assert_allclose(truncate(latent, mean, 1.0), latent, atol=1e-5)
    half = truncate(latent, mean, 0.0, cutoff=2)
    np.testing.assert_allclose(half[2:], latent[2:], atol=1e-5)
    np.testing.assert_allclose(half[:2], np.tile(mean, (2, 1)), atol=1e-6)


def test_batches_are_edited_row_by_row() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(size=(2, 3, LAYERS, WIDTH)).astype(np.float32)
    for operation in (lambda a, b: morph(a, b, 0.3), crossover):
        together = operation(first, second)
        for i in range(3):
            np.testing.assert_array_equal(together[i], operation(first[i], second[i]))


def test_arguments_are_left_alone_and_results_are_float32() -> None:
    first, second = np.ones((LAYERS, WIDTH)), np.zeros((LAYERS, WIDTH))
    for result in (
        morph(first, second, 0.5),
        crossover(first, second),
        move(first, second, 1),
        truncate(first, second, 0.5),
    ):
        assert result.dtype == np.float32
        assert not np.shares_memory(result, first)
    assert first.min() == first.max() == 1


def test_latents_that_do_not_fit_are_refused() -> None:
    with pytest.raises(LatentError, match=r"\[6, 5\] and \[4, 5\]"):
        morph(np.zeros((6, 5)), np.zeros((4, 5)), 0.5)
    with pytest.raises(LatentError, match="does not fit"):
        move(np.zeros((6, 5)), np.zeros((6, 4)), 1.0)
    with pytest.raises(UsageError, match="no layer 6"):
        crossover(np.zeros((6, 5)), np.zeros((6, 5)), [6])
