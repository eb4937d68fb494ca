"""Landmarks in every form that people have them in, and everything that is none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.errors import ImageError
from i2s_trt.faces.landmarks import Landmarks, read_landmarks
from tests.photographs.synthetic_face import landmarks68

FIVE = [[30, 40], [70, 42], [50, 60], [35, 80], [66, 81]]
NAMED = {"left_eye": [30, 40], "right_eye": [70, 42], "left_mouth": [35, 80], "right_mouth": [66, 81]}
FACE = Landmarks((30, 40), (70, 42), (35, 80), (66, 81))


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_dlibs_68_points_give_lid_means_and_mouth_corners() -> None:
    points = landmarks68((200, 150), 60)
    found = Landmarks.from_points(points)
    np.testing.assert_allclose(found.points, [[170, 150], [230, 150], [176, 213], [224, 213]], atol=1e-9)
    assert found.eye_distance == pytest.approx(60)


def test_five_points_and_four_are_the_same_face() -> None:
    assert Landmarks.from_points(np.array(FIVE)) == FACE
    assert Landmarks.from_points(np.array(FIVE)[[0, 1, 3, 4]]) == FACE


@pytest.mark.parametrize(
    ("document", "names", "counts"), [
        (FIVE, ["*"], [1]), (NAMED, ["*"], [1]), ([NAMED, FIVE], ["*"], [2]), ({"a.jpg": FIVE}, ["a.jpg"], [1]),
        ({"a.jpg": [FIVE, NAMED], "b.png": NAMED}, ["a.jpg", "b.png"], [2, 1]),
        (landmarks68((9, 9), 5).tolist(), ["*"], [1]),
    ], ids=["points", "named", "several", "by name", "several by name", "68 points"],
)  # fmt: skip
def test_every_form_of_file(tmp_path: Path, document: Any, names: list[str], counts: list[int]) -> None:
    found = read_landmarks(written(tmp_path / "faces.json", document))
    assert list(found) == names
    assert [len(faces) for faces in found.values()] == counts
    assert all(isinstance(face, Landmarks) for faces in found.values() for face in faces)


def test_the_values_of_a_file_are_used(tmp_path: Path) -> None:
    found = read_landmarks(written(tmp_path / "faces.json", {"a.jpg": [FIVE, NAMED]}))
    assert found["a.jpg"] == [FACE, FACE]


def test_a_mouth_by_its_middle(tmp_path: Path) -> None:
    document = {"left_eye": [30, 40], "right_eye": [70, 42], "mouth": [50, 80]}
    (face,) = read_landmarks(written(tmp_path / "faces.json", document))["*"]
    assert (face.left_mouth, face.right_mouth) == ((50, 80), (50, 80))


@pytest.mark.parametrize(
    ("document", "message"), [
        ([], "there is no face"), ({}, "holds no landmarks"), ([[1, 2]] * 7, "[7, 2]"), (5, "shape []"),
        ("text", "these are no points"), (None, "shape []"), ({"a.jpg": 5}, "a.jpg, face 1"),
        ({"left_eye": [1, 2]}, "'left_mouth' is missing"), ([[1, 2, 3]] * 5, "[5, 3]"),
        ([[1, "x"]] * 5, "these are no points"), ([[1, 2], [1]], "these are no points"),
        ([[float("nan"), 2]] * 5, "outside any picture"), ([[1e9, 2]] * 5, "outside any picture"),
        ([[3, 3]] * 5, "both eyes are in one place"), ({"a.jpg": [FIVE, [[1, 2]] * 3]}, "a.jpg, face 2"),
        ({"left_eye": 1, "right_eye": 2, "mouth": 3}, "landmarks of shape"),
    ], ids=str,
)  # fmt: skip
def test_what_is_no_face_is_refused_with_its_place(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_landmarks(written(tmp_path / "faces.json", document))
    assert message in str(caught.value)
    assert "hint: " in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "faces.json").write_text(text)
    with pytest.raises(ImageError, match="is not JSON"):
        read_landmarks(tmp_path / "faces.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.json cannot be read"):
        read_landmarks(tmp_path / "none.json")


@given(st.floats(-170, 170), st.floats(2, 900), st.floats(-500, 3000), st.floats(-500, 3000))
def test_landmarks_turn_and_scale_with_the_face(degrees: float, size: float, x: float, y: float) -> None:
    found = Landmarks.from_points(landmarks68((x, y), size, degrees))
    assert found.eye_distance == pytest.approx(size)
    left, right = found.points[:2]
    assert np.degrees(np.arctan2(*(right - left)[::-1])) == pytest.approx(degrees, abs=1e-6)
