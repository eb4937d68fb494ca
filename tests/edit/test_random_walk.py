"""Truncation and walks to the mean face: exact ends, one curve for any number of points."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from i2s_trt.arrays import WPlus
from i2s_trt.edit.operations import direction_length, move, normalized, random_walk, truncate
from i2s_trt.errors import LatentError, UsageError

LAYERS, WIDTH = 6, 5
latents = arrays(np.float32, (LAYERS, WIDTH), elements=st.floats(-(2**99), 2**99, width=32))
calm = arrays(np.float32, (LAYERS, WIDTH), elements=st.floats(-20, 20, width=32, allow_subnormal=False))


@given(latents, latents, st.floats(0, 3), st.integers(0, 2**32))
def test_a_walk_begins_and_ends_exactly(first: WPlus, last: WPlus, wander: float, seed: int) -> None:
    np.testing.assert_array_equal(random_walk(first, last, 0.0, wander, seed), first)
    np.testing.assert_array_equal(random_walk(first, last, 1.0, wander, seed), last)


@given(calm, calm, st.floats(0, 1))
def test_a_walk_that_does_not_wander_is_the_straight_line(first: WPlus, last: WPlus, position: float) -> None:
    np.testing.assert_allclose(
        random_walk(first, last, position, 0.0), first + position * (last.astype(np.float64) - first), atol=1e-5
    )


def test_a_walk_is_continuous_and_its_seed_decides_where_it_strays() -> None:
    first, last = np.zeros((LAYERS, 400), np.float32), np.ones((LAYERS, 400), np.float32)
    here, near = (random_walk(first, last, position, 1.0, 7) for position in (0.5, 0.5001))
    other = random_walk(first, last, 0.5, 1.0, 8)
    assert np.abs(near - here).max() < 0.05
    assert np.abs(other - here).max() > 0.5
    np.testing.assert_array_equal(random_walk(first, last, 0.5, 1.0, 7), here)


def test_a_walk_strays_in_the_middle_by_half_the_way_times_wander() -> None:
    first, last = np.zeros((LAYERS, 4000), np.float32), np.full((LAYERS, 4000), 2, np.float32)
    for wander in (0.5, 1.0):
        strayed = random_walk(first, last, 0.5, wander, 3) - 1.0
        assert np.sqrt(np.mean(strayed**2)) == pytest.approx(wander * 2 / 2, rel=0.03)
    begun = random_walk(first, last, 0.1, 1.0, 3) - 0.2
    assert np.sqrt(np.mean(begun**2)) == pytest.approx(2 * np.sqrt(0.1 * 0.9), rel=0.05)


@given(latents, arrays(np.float32, (WIDTH,), elements=st.floats(-(2**99), 2**99, width=32)), st.integers(0, 9))
def test_truncation_is_exact_at_both_ends(latent: WPlus, mean: WPlus, cutoff: int) -> None:
    np.testing.assert_array_equal(truncate(latent, mean, 1.0, cutoff), latent)
    drawn = truncate(latent, mean, 0.0, cutoff)
    np.testing.assert_array_equal(drawn[:cutoff], np.tile(mean, (min(cutoff, LAYERS), 1)))
    np.testing.assert_array_equal(drawn[cutoff:], latent[cutoff:])


@given(calm, calm, st.floats(-3, 3), st.sets(st.integers(0, LAYERS - 1)))
def test_a_move_touches_the_named_layers_only(latent: WPlus, direction: WPlus, strength: float, kept: set[int]) -> None:
    moved = move(latent, direction, strength, sorted(kept))
    for layer in range(LAYERS):
        expected = latent[layer] + (strength * direction[layer].astype(np.float64) if layer in kept else 0)
        np.testing.assert_allclose(moved[layer], expected, atol=1e-5)
        if layer not in kept:
            np.testing.assert_array_equal(moved[layer], latent[layer])


@given(calm)
def test_normalised_directions_point_the_same_way(direction: WPlus) -> None:
    unit = normalized(direction)
    length = direction_length(direction)
    np.testing.assert_allclose(unit * length, direction, atol=1e-4)
    assert np.linalg.norm(unit) == pytest.approx(1 if length else 0, rel=1e-5)


_SHORT = """
import sys, numpy as np, torch
from i2s_trt.edit.operations import SHORTEST_DIRECTION, normalized
torch.set_flush_denormal(sys.argv[1] == "flushed")
for length in (0.0, 1e-45, 1e-40, 6e-38, 0.9 * SHORTEST_DIRECTION, 1.1 * SHORTEST_DIRECTION, 1e-9, 1e9):
    direction = np.full((2, 8), length / 4, np.float32)
    direction[1, 7] *= 1e-9  # of no weight, and subnormal in the shortest
    print(*np.round(normalized(direction).ravel(), 4))
"""


def test_directions_too_short_to_point_anywhere_are_zeros_however_the_process_rounds() -> None:
    flushed, kept = (
        subprocess.run([sys.executable, "-c", _SHORT, mode], check=True, capture_output=True, text=True).stdout
        for mode in ("flushed", "kept")
    )
    assert flushed == kept
    unit = 1 / np.sqrt(15)
    np.testing.assert_allclose(
        np.array([line.split() for line in kept.splitlines()], float),
        [[0.0] * 16] * 5 + [[*[unit] * 15, 0.0]] * 3, atol=1e-4,
    )  # fmt: skip


def test_what_does_not_fit_is_refused() -> None:
    latent = np.zeros((LAYERS, WIDTH), np.float32)
    with pytest.raises(LatentError, match=r"\[6, 5\] and \[6, 4\]"):
        random_walk(latent, np.zeros((LAYERS, 4)), 0.5)
    with pytest.raises(UsageError, match="there is no layer 6"):
        move(latent, latent, 1.0, [5, 6])
    for shape in ((4, WIDTH), (2, LAYERS, WIDTH), (WIDTH + 1,)):
        with pytest.raises(LatentError, match="does not fit"):
            move(latent, np.zeros(shape), 1.0)
