"""A face followed through a clip of a moving photograph, of which the truth is known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.face import NoFaceError
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.video.track import Track, follow_face, local_parabolas, smoothed
from tests.faces.photographs import moved
from tests.video.clips import movement, moving_photograph

DETECT = BuiltinDetector()
ASTRONAUT = decode(example_path("astronaut"))
FRAMES = moving_photograph(ASTRONAUT, 10)


@pytest.fixture(scope="module")
def track() -> Track:
    return follow_face(FRAMES, DETECT)


def errors(track: Track) -> Any:
    """Of each frame: the largest error in eye distances."""
    points = DETECT(ASTRONAUT)[0].landmarks.points
    wanted = np.stack([moved(points, movement(frame)) for frame in range(len(track.points))])
    eyes = np.linalg.norm(wanted[:, 1] - wanted[:, 0], axis=1)
    return np.linalg.norm(track.points - wanted, axis=2).max(axis=1) / eyes


def test_the_face_is_found_where_it_is(track: Track) -> None:
    assert track.points.shape == (10, 4, 2)
    assert track.seen.all()
    assert track.cuts == (0,)
    assert errors(track).max() < 0.02


def test_smoothing_leaves_movement_and_takes_noise(track: Track) -> None:
    noise = np.random.default_rng(0).normal(0, 0.03 * 44, track.points.shape)
    noisy = Track(track.points + noise, track.seen)
    assert errors(smoothed(track, 1.0)).max() < 0.02
    assert errors(smoothed(noisy, 1.0)).mean() < 0.85 * errors(noisy).mean()
    assert smoothed(track, 0) is track


def test_frames_without_a_face_are_interpolated() -> None:
    frames = [np.full_like(FRAMES[0], 99) if number in (0, 4, 5, 9) else frame for number, frame in enumerate(FRAMES)]
    found = follow_face(frames, DETECT)
    assert found.seen.tolist() == [number not in (0, 4, 5, 9) for number in range(10)]
    np.testing.assert_allclose(found.points[4], found.points[3] + (found.points[6] - found.points[3]) / 3)
    np.testing.assert_array_equal(found.points[0], found.points[1])
    np.testing.assert_array_equal(found.points[9], found.points[8])


def test_a_cut_is_not_smoothed_over() -> None:
    later = [np.roll(frame, (150, -120), axis=(0, 1)) for frame in FRAMES[5:]]
    found = follow_face([*FRAMES[:5], *later], DETECT)
    assert found.cuts == (0, 5)
    steady = smoothed(found, 2.0)
    assert np.abs(steady.points - found.points).max() < 3


def test_reports_frames_and_refuses_clips_without_a_face() -> None:
    done: list[int] = []
    with pytest.raises(NoFaceError, match="in any frame"):
        follow_face([np.full((64, 64, 3), 9, np.uint8)] * 3, DETECT, report=done.append)
    assert done == [1, 2, 3]
    with pytest.raises(NoFaceError, match="no face 2"):
        follow_face(FRAMES[:1], DETECT, 2)


@given(st.integers(1, 40), st.floats(0.3, 6), st.floats(-5, 5), st.floats(-2, 2), st.floats(-0.2, 0.2))
def test_steady_and_turning_motion_passes_unchanged(count: int, deviation: float, a: float, b: float, c: float) -> None:
    t = np.arange(count, dtype=np.float64)[:, np.newaxis]
    path = a + b * t + c * t**2
    np.testing.assert_allclose(local_parabolas(path, deviation), path, atol=1e-6 * (1 + np.abs(path).max()))
