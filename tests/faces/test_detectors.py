"""Detectors that a user brings: YuNet and dlib, and files that are neither."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt.errors import I2sError, ImageError
from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.detectors import load_detector
from i2s_trt.faces.yunet import _face
from tests.faces.photographs import ASTRONAUT
from tests.photographs.synthetic_face import landmarks68


def test_without_a_file_the_built_in_one() -> None:
    assert isinstance(load_detector(), BuiltinDetector)


@pytest.mark.parametrize(
    ("name", "content", "message"), [
        ("none.onnx", None, "there is no detector file"), ("face.txt", "x", "is no face detector"),
        ("face.onnx", "no model", "is not a YuNet model"), ("face.onnx", "", "is not a YuNet model"),
    ], ids=str,
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(I2sError, match=message) as caught:
        load_detector(tmp_path / name)
    assert "hint: " in str(caught.value)


def test_a_row_of_yunets_becomes_a_face() -> None:
    """Box, right eye, left eye, nose, right and left mouth corner (the person's), score."""
    row = np.array([10, 20, 90, 110, 30, 50, 70, 52, 50, 70, 35, 90, 66, 91, 0.9])
    face = _face(row, 0.5)
    np.testing.assert_allclose(face.landmarks.points, [[60.5, 100.5], [140.5, 104.5], [70.5, 180.5], [132.5, 182.5]])
    assert face.score == 0.9


def test_dlib_that_is_missing_or_a_file_that_is_not_its(tmp_path: Path) -> None:
    (tmp_path / "face.dat").write_text("no model")
    with pytest.raises(I2sError, match=r"need dlib|is not a dlib model") as caught:
        load_detector(tmp_path / "face.dat")
    assert "hint: " in str(caught.value)


def trained(path: Path, points: int) -> Path:
    """A small dlib model that has learned one face by heart."""
    dlib = pytest.importorskip("dlib", reason="dlib is not installed: pip install dlib-bin")
    (box, *_) = dlib.get_frontal_face_detector()(ASTRONAUT, 1)
    parts = [dlib.point(round(x), round(y)) for x, y in landmarks68((225.0, 102.0), 44.0)[:points]]
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 2, 5, 2
    options.oversampling_amount, options.feature_pool_size, options.num_test_splits = 2, 20, 2
    images, shapes = [ASTRONAUT] * 2, [[dlib.full_object_detection(box, parts)]] * 2
    dlib.train_shape_predictor(images, shapes, options).save(str(path))
    return path


def test_dlibs_landmarks(tmp_path: Path) -> None:
    detector = load_detector(trained(tmp_path / "own.dat", 68))
    assert "own.dat" in detector.name
    found = detector(ASTRONAUT)
    face = found[0]
    np.testing.assert_allclose(face.landmarks.points[:2], [[203, 102], [247, 102]], atol=1.5)
    assert detector.follow(ASTRONAUT, face) == face
    assert detector(np.full((200, 200, 3), 128, np.uint8)) == []


def test_dlib_models_of_other_landmarks(tmp_path: Path) -> None:
    detector = load_detector(trained(tmp_path / "five.dat", 5))
    with pytest.raises(ImageError, match="has 5 landmarks"):
        detector(ASTRONAUT)
