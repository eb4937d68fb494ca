"""The frames of a morph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.edit.sequence import EASINGS, MorphOptions, frame_positions, morph_frames
from i2s_trt.errors import LatentError, UsageError

LATENTS = list(np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32))
options = st.builds(
    MorphOptions, st.integers(2, 30), st.sampled_from(sorted(EASINGS)), st.booleans(), st.sampled_from([0.0, 0.7])
)


@given(options, st.integers(2, 4))
def test_every_latent_itself_is_a_frame_exactly(chosen: MorphOptions, count: int) -> None:
    frames = list(morph_frames(LATENTS[:count], chosen))
    for index in range(count):
        np.testing.assert_array_equal(frames[index * (chosen.frames - 1)].w_plus, LATENTS[index])


@given(options, st.integers(2, 4))
def test_positions_rise_to_the_last_latent_and_come_back_when_asked(chosen: MorphOptions, count: int) -> None:
    positions = frame_positions(count, chosen)
    there = (count - 1) * (chosen.frames - 1) + 1
    assert positions[:there] == sorted(positions[:there])
    assert (positions[0], positions[there - 1]) == (0.0, count - 1.0)
    back = positions[there:]
    assert back == (positions[there - 2 : 0 : -1] if chosen.ping_pong else [])


@pytest.mark.parametrize("name", sorted(EASINGS))
def test_easings_join_the_ends_and_never_turn_back(name: str) -> None:
    steps = [EASINGS[name](step) for step in np.linspace(0, 1, 101).tolist()]
    assert (steps[0], steps[-1]) == (0, 1)
    assert steps == sorted(steps)


def test_easings_differ_as_their_names_say() -> None:
    early = {name: easing(0.1) for name, easing in EASINGS.items()}
    assert early["ease-in"] < 0.1 == early["linear"] < early["ease-out"]
    assert early["ease-in-out"] < 0.1
    assert EASINGS["ease-in-out"](0.5) == 0.5


def test_a_wandering_morph_strays_between_the_latents_only() -> None:
    straight = list(morph_frames(LATENTS[:2], MorphOptions(5)))
    wandering = list(morph_frames(LATENTS[:2], MorphOptions(5, wander=1.0, seed=3)))
    moved = [float(np.abs(a.w_plus - b.w_plus).max()) for a, b in zip(straight, wandering, strict=True)]
    assert moved[0] == moved[-1] == 0
    assert min(moved[1:-1]) > 0.1


def test_impossible_morphs_are_refused() -> None:
    with pytest.raises(UsageError, match="no easing named bounce"):
        MorphOptions(easing="bounce")
    with pytest.raises(UsageError, match="1 frame"):
        MorphOptions(1)
    with pytest.raises(UsageError, match="two latents"):
        morph_frames(LATENTS[:1], MorphOptions())
    with pytest.raises(LatentError, match="cannot be combined"):
        list(morph_frames([LATENTS[0], LATENTS[0][:4]], MorphOptions()))
