"""The built-in detector on a real face: the same landmarks whatever was done to the photograph, and no false ones."""

from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.face import Face
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from tests.faces.photographs import ASTRONAUT, WHOLE, moved, scaled, several, shifted, turned

DETECT = BuiltinDetector()
# dlib 20.0's 68 landmarks on this photograph: lid means and mouth corners
DLIB = np.array([[203.17, 101.5], [246.5, 104.17], [201.0, 139.0], [246.0, 141.0]])


@pytest.fixture(scope="module")
def truth() -> Any:
    """Landmarks of the photograph as it is."""
    return DETECT(ASTRONAUT)[0].landmarks


def error(found: list[Face], truth: Landmarks, matrix: Any = WHOLE) -> float:
    """Largest error of a landmark in eye distances; there must be just one face."""
    assert len(found) == 1
    wanted = moved(truth.points, matrix)
    eyes = np.linalg.norm(wanted[1] - wanted[0])
    return float(np.linalg.norm(found[0].landmarks.points - wanted, axis=1).max() / eyes)


def test_it_agrees_with_dlib_with_which_ffhq_was_aligned(truth: Landmarks) -> None:
    away = np.linalg.norm(truth.points - DLIB, axis=1) / truth.eye_distance
    assert away.max() < 0.03
    assert DETECT(ASTRONAUT)[0].score > 0.8


@pytest.mark.parametrize("degrees", [10, -25, 45, 75, 90, 120, 180, 225, 270, 330])
def test_any_rotation(truth: Landmarks, degrees: float) -> None:
    picture, matrix = turned(degrees)
    assert error(DETECT(picture), truth, matrix) < 0.02


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.5, 4.0])
def test_any_size(truth: Landmarks, factor: float) -> None:
    picture, matrix = scaled(factor)
    assert error(DETECT(picture), truth, matrix) < 0.02


@pytest.mark.parametrize("shift", [(3.3, 7.7), (0.5, 0.5), (-150, -60), (-180, 0)])
def test_any_place(truth: Landmarks, shift: tuple[float, float]) -> None:
    picture, matrix = shifted(*shift)
    assert error(DETECT(picture), truth, matrix) < 0.02


def jpeg(pixels: Any) -> Any:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=40)
    return np.array(Image.open(buffer))


@pytest.mark.parametrize(
    "change", [
        lambda p: np.repeat(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
        lambda p: (p * 0.3).astype(np.uint8),
        lambda p: np.clip(p + np.random.default_rng(0).normal(0, 15, p.shape), 0, 255).astype(np.uint8), jpeg,
    ], ids=["grey", "dark", "noisy", "jpeg"],
)  # fmt: skip
def test_any_quality(truth: Landmarks, change: Any) -> None:
    assert error(DETECT(change(ASTRONAUT)), truth) < 0.02


def test_a_face_lost_in_a_picture_of_6000_pixels(truth: Landmarks) -> None:
    large = np.full((4000, 6000, 3), 90, np.uint8)
    large[3000:3512, 4000:4512] = ASTRONAUT
    assert error(DETECT(large), truth, np.array([[1, 0, 4000], [0, 1, 3000]])) < 0.02


def test_of_a_mirrored_face_left_is_right(truth: Landmarks) -> None:
    (found,) = DETECT(np.ascontiguousarray(ASTRONAUT[:, ::-1]))
    expected = truth.points[[1, 0, 3, 2]] * [-1, 1] + [511, 0]
    assert np.linalg.norm(found.landmarks.points - expected, axis=1).max() < 0.02 * truth.eye_distance


@pytest.mark.parametrize("name", ["cat", "coffee"])
def test_what_is_no_face_is_none(name: str) -> None:
    assert DETECT(decode(example_path(name))) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (300, 300, 3)])
def test_nothing_is_found_in_nothing(shape: tuple[int, ...]) -> None:
    assert DETECT(np.full(shape, 128, np.uint8)) == []


def test_several_faces_the_largest_first() -> None:
    assert len(DETECT(several())) >= 1
    found = DETECT(several(), every=True)
    assert [round(face.landmarks.eye_distance) for face in found] == [44, 31, 20]


def test_a_face_is_followed_to_the_same_landmarks(truth: Landmarks) -> None:
    before = DETECT(ASTRONAUT)[0]
    picture, matrix = shifted(9, -5)
    found = DETECT.follow(picture, before)
    assert found is not None
    assert error([found], truth, matrix) < 0.01
    assert error([found], DETECT(picture)[0].landmarks) < 0.01


def test_a_face_that_is_gone_is_lost() -> None:
    before = DETECT(ASTRONAUT)[0]
    assert DETECT.follow(np.full_like(ASTRONAUT, 99), before) is None
    far = Face(Landmarks.from_points(before.landmarks.points + np.array([0, 300])))
    assert DETECT.follow(ASTRONAUT, far) is None
