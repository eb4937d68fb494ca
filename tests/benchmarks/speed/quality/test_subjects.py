"""The pictures that are embedded, and where their faces are."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed.quality.subjects import load_subject, subject_names
from i2s_trt.errors import ImageError, UsageError
from i2s_trt.faces.detectors import load_detector
from i2s_trt.images.compose import write_png
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.random_weights import standard_spec

SPEC = standard_spec(64, 16, 16)


def test_all_photographs_unless_some_are_named(tmp_path: Path) -> None:
    assert list(subject_names(())) == ["astronaut", "cat", "cup"]
    photo = tmp_path / "ann.png"
    write_png(photo, example_picture("cat"))
    assert subject_names(("cup", str(photo))) == {"cup": "cup", "ann": str(photo)}


def test_missing_files_and_equal_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no picture nobody\.png") as caught:
        subject_names(("nobody.png",))
    assert "astronaut, cat, cup" in caught.value.hint
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ann.png").touch()
    with pytest.raises(UsageError, match="several pictures are named ann"):
        subject_names((str(tmp_path / "one/ann.png"), str(tmp_path / "other/ann.png")))


def test_files_and_photographs_are_fitted_alike(tmp_path: Path) -> None:
    photo = tmp_path / "ann.png"
    write_png(photo, example_picture("astronaut"))
    built_in, own = (load_subject("x", source, SPEC, None) for source in ("astronaut", str(photo)))
    np.testing.assert_array_equal(built_in.picture, fit_picture(example_picture("astronaut"), SPEC))
    np.testing.assert_array_equal(own.picture, built_in.picture)
    assert own.quad is None
    assert own.face(own.picture) is None


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ann.png"
    path.write_text("no picture")
    with pytest.raises(ImageError, match=r"ann\.png"):
        load_subject("ann", str(path), SPEC, None)


def test_faces_are_found_in_small_pictures_and_nowhere_else() -> None:
    detector = load_detector()
    person = load_subject("astronaut", "astronaut", SPEC, detector)
    assert person.quad is not None
    assert np.abs(person.quad.mean(axis=0) - 31.5).max() < 8  # the middle, where FFHQ has its faces
    face = person.face(person.picture)
    assert face is not None
    assert (face.shape, face.dtype) == ((188, 188, 3), np.uint8)
    assert load_subject("cup", "cup", SPEC, detector).quad is None
