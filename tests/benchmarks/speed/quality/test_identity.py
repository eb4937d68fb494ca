"""A face recogniser's file: its input is read from its shape, and whatever is no such file is refused by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from benchmarks.speed.quality.identity import Form, Recogniser, likeness
from i2s_trt.arrays import Pixels
from i2s_trt.errors import ModelError, UsageError
from i2s_trt.images.examples import example_picture
from tests.benchmarks.speed.quality.recognisers import save_copy, save_failure, save_recogniser, save_sum


@pytest.fixture(scope="module")
def face() -> Pixels:
    return example_picture("astronaut")


def test_a_face_is_most_like_itself(tmp_path: Path, face: Pixels) -> None:
    recogniser = Recogniser(save_recogniser(tmp_path / "r.onnx"))
    own = recogniser(face)
    assert (own.shape, own.dtype) == ((32,), np.float32)
    assert np.linalg.norm(own) == pytest.approx(1)
    assert likeness(own, recogniser(face)) == pytest.approx(1)
    assert likeness(own, recogniser(face // 2 + 20)) < 1
    assert likeness(own, recogniser(255 - face)) < likeness(own, recogniser(face // 2 + 20))


def test_both_layouts_say_the_same(tmp_path: Path, face: Pixels) -> None:
    first = Recogniser(save_recogniser(tmp_path / "first.onnx"))
    last = Recogniser(save_recogniser(tmp_path / "last.onnx", (1, 112, 112, 3)))
    assert (first.form, last.form) == (Form(112, 112, True), Form(112, 112, False))
    np.testing.assert_allclose(first(face), last(face), atol=1e-6)


def test_a_length_beside_the_vector_does_no_harm(tmp_path: Path, face: Pixels) -> None:
    plain = Recogniser(save_recogniser(tmp_path / "plain.onnx"))
    both = Recogniser(save_recogniser(tmp_path / "both.onnx", norm=True))
    np.testing.assert_array_equal(plain(face), both(face))


def words(path: Path) -> Path:
    path.write_text("no network")
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no ONNX": (words, "ONNX Runtime cannot load"),
    "two inputs": (save_sum, "has 2 inputs"),
    "a picture as its result": (save_copy, r"gives float32 \[1, 3, 112, 112\] for a picture, not one vector"),
    "a short vector": (lambda p: save_recogniser(p, numbers=8), r"gives float32 \[1, 8\] for a picture"),
    "bytes": (lambda p: save_copy(p, kind=TensorProto.UINT8), r"takes uint8 \[1, 3, 112, 112\], not a picture"),
    "a batch of four": (lambda p: save_copy(p, (4, 3, 112, 112)), r"takes float \[4, 3, 112, 112\], not a picture"),
    "a vector": (lambda p: save_copy(p, ("N", 512)), r"takes float \[N, 512\], not a picture"),
    "any size": (lambda p: save_copy(p, ("N", 3, "H", "W")), r"\[N, 3, H, W\], which says not how large a face"),
    "a tiny size": (lambda p: save_copy(p, ("N", 3, 8, 8)), "says not how large a face"),
    "one colour": (lambda p: save_copy(p, ("N", 112, 112, 1)), "not three colours"),
    "a failure": (save_failure, "cannot be run"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_recogniser_is_refused(kind: str, tmp_path: Path) -> None:
    make, said = REFUSED[kind]
    with pytest.raises(ModelError, match=said) as caught:
        Recogniser(make(tmp_path / "r.onnx"))
    assert "r.onnx" in str(caught.value)
    assert "ArcFace" in caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(UsageError, match="--identity: there is no file"):
            Recogniser(path)


def test_a_vector_without_a_length_tells_nobody(tmp_path: Path, face: Pixels) -> None:
    recogniser = Recogniser(save_recogniser(tmp_path / "r.onnx", scale=0))
    with pytest.raises(ModelError, match=r"gives a vector of length 0\.0"):
        recogniser(face)
