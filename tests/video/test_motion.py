"""What is done to all latents of a clip at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.edit.operations import expression_transfer
from i2s_trt.errors import LatentError
from i2s_trt.video.motion import moved, reenact, steadied

CLIP = np.random.default_rng(0).standard_normal((6, 4, 8)).astype(np.float32)
TARGET = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32)


def test_how_far_frames_move() -> None:
    found = moved(CLIP)
    assert found.shape == (6,)
    assert found[0] == 0
    assert found[3] == pytest.approx(float(np.linalg.norm(CLIP[3] - CLIP[2])), rel=1e-6)
    assert moved(CLIP[:1]).tolist() == [0]
    assert moved(CLIP[:0]).shape == (0,)


@given(st.floats(-2, 2))
def test_reenactment_is_expression_transfer_frame_by_frame(strength: float) -> None:
    found = reenact(TARGET, CLIP, strength)
    for frame in range(6):
        expected = expression_transfer(TARGET, CLIP[0], CLIP[frame], strength, 0.0)
        np.testing.assert_allclose(found[frame], expected, atol=1e-5)


def test_the_first_frame_is_the_target_itself_and_strength_0_all_of_it() -> None:
    np.testing.assert_array_equal(reenact(TARGET, CLIP)[0], TARGET)
    np.testing.assert_array_equal(reenact(TARGET, CLIP, 0.0), np.broadcast_to(TARGET, CLIP.shape))


def test_layers_that_hardly_move_stay_still_in_every_frame() -> None:
    calm = CLIP.copy()
    calm[:, 2] = calm[0, 2] + np.linspace(0, 0.01, 6)[:, np.newaxis]
    found = reenact(TARGET, calm, threshold=0.5)
    np.testing.assert_array_equal(found[:, 2], np.broadcast_to(TARGET[2], (6, 8)))
    assert (np.abs(found[:, 1] - TARGET[1]).max(axis=1)[1:] > 0).all()


def test_a_face_of_another_model_is_refused() -> None:
    with pytest.raises(LatentError, match="cannot move as a clip"):
        reenact(TARGET[:3], CLIP)


def test_smoothing_takes_noise_and_leaves_motion() -> None:
    path = np.linspace(0, 3, 30)[:, np.newaxis, np.newaxis] * TARGET
    noisy = (path + 0.1 * np.random.default_rng(2).standard_normal(path.shape)).astype(np.float32)
    found = steadied(noisy, 2.0)
    assert np.abs(found - path).mean() < 0.6 * np.abs(noisy - path).mean()
    assert moved(found).mean() < moved(noisy).mean()
    np.testing.assert_allclose(steadied(path.astype(np.float32), 2.0), path, atol=1e-5)
    assert steadied(noisy, 0) is noisy
