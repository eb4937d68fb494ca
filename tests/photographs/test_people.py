"""Photographs made ready: aligned where there is a face, told about where there is none, and never cut twice."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from i2s_trt.errors import ImageError
from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import Square, fit_picture
from i2s_trt.models.random_weights import standard_spec
from i2s_trt.photographs.people import AlignOptions, FacePreparer
from i2s_trt.photographs.prepare import FaceOf, Prepared
from i2s_trt.photographs.quad import quad_side
from i2s_trt.photographs.record import alignment_of, write_aligned
from tests.faces.photographs import ASTRONAUT, several

DETECT = BuiltinDetector()
SHAPE = Square(128)


def prepare(path: Path, **options: object) -> Prepared:
    return FacePreparer(SHAPE, DETECT, AlignOptions(**options))(path)  # type: ignore[arg-type]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return Path(shutil.copy(example_path("astronaut"), tmp_path / "photo.png"))


def eyes_of(pixels: Any) -> Any:
    """Landmarks in a picture, as shares of its side."""
    (face, *_) = DETECT(pixels)
    return np.asarray((face.landmarks.points + 0.5) / pixels.shape[1])


def test_a_face_comes_out_as_ffhq_has_it(photo: Path) -> None:
    found = prepare(photo)
    assert found.pixels.shape == (128, 128, 3)
    assert found.warnings == ()
    points = eyes_of(found.pixels)
    np.testing.assert_allclose(points[:2], [[0.375, 0.48], [0.625, 0.48]], atol=0.02)
    alignment = alignment_of(found.record)
    assert alignment is not None
    assert (alignment.kind, alignment.photograph, alignment.size) == ("ffhq", "photo.png", (512, 512))
    assert quad_side(alignment.quad) == pytest.approx(178, abs=3)


def variants(folder: Path) -> dict[str, Path]:
    """The photograph in many forms, all of which show the same, upright."""
    picture = Image.fromarray(ASTRONAUT)
    exif = Image.Exif()
    exif[0x0112] = 7  # transverse: mirrored and turned
    picture.transpose(Image.Transpose.TRANSVERSE).save(folder / "exif.jpg", exif=exif, quality=98)
    mirrored = Image.Exif()
    mirrored[0x0112] = 2
    picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.png", exif=mirrored)
    picture.convert("L").save(folder / "grey.png")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
    picture.putalpha(255)
    picture.save(folder / "alpha.png")
    large = Image.new("RGB", (6000, 4000), (90, 90, 90))
    large.paste(Image.fromarray(ASTRONAUT).resize((1536, 1536), Image.Resampling.LANCZOS), (3000, 1200))
    large.save(folder / "large.jpg", quality=95)
    Image.fromarray(ASTRONAUT).rotate(37, Image.Resampling.BICUBIC, expand=True).save(folder / "turned.png")
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_every_form_of_the_photograph_gives_the_same_crop(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    shape = Square(256)
    expected = FacePreparer(shape, DETECT)(photo).pixels
    wanted = eyes_of(expected)
    distance = np.linalg.norm(wanted[1] - wanted[0])
    grey = expected.mean(axis=2)
    for name, path in variants(tmp_path / "forms").items():
        found = FacePreparer(shape, DETECT)(path).pixels
        points = eyes_of(found)
        assert np.linalg.norm(points - wanted, axis=1).max() / distance < 0.02, name
        inner = (slice(60, 230), slice(60, 200))
        likeness = np.corrcoef(found.mean(axis=2)[inner].ravel(), grey[inner].ravel())[0, 1]
        assert likeness > 0.99, name


def test_without_a_face_it_is_taken_whole_with_a_warning() -> None:
    found = prepare(example_path("cat"))
    np.testing.assert_array_equal(found.pixels, fit_picture(decode(example_path("cat")), standard_spec(128)))
    assert "no face was found" in found.warnings[-1]
    alignment = alignment_of(found.record)
    assert alignment is not None
    assert alignment.kind == "crop"


def test_where_a_face_is_demanded_its_absence_is_an_error_with_ways_out() -> None:
    with pytest.raises(ImageError) as caught:
        prepare(example_path("cat"), demanded=True)
    for word in ("chelsea.png: no face was found", "--landmarks", "--no-align"):
        assert word in str(caught.value)


def test_landmarks_by_hand_come_before_any_search() -> None:
    eyes = Landmarks((180, 120), (260, 120), (200, 200), (240, 200))
    for names in ({"chelsea.png": [eyes]}, {"*": [eyes]}):
        found = prepare(example_path("cat"), demanded=True, landmarks=names)
        alignment = alignment_of(found.record)
        assert alignment is not None
        assert alignment.kind == "ffhq"
        assert quad_side(alignment.quad) == pytest.approx(320)
    with pytest.raises(ImageError, match="no face was found"):
        prepare(example_path("cat"), demanded=True, landmarks={"other.png": [eyes]})


def test_an_aligned_picture_is_not_cut_again(photo: Path, tmp_path: Path) -> None:
    first = FacePreparer(Square(256), DETECT)(photo)
    Image.fromarray(first.pixels).save(tmp_path / "aligned.png")
    again = FacePreparer(Square(256), DETECT)(tmp_path / "aligned.png")
    np.testing.assert_array_equal(again.pixels, first.pixels)
    alignment = alignment_of(again.record)
    assert alignment is not None
    assert (alignment.kind, alignment.photograph) == ("ffhq", "aligned.png")


def test_a_picture_that_remembers_its_photograph_is_taken_as_it_is(photo: Path, tmp_path: Path) -> None:
    first = prepare(photo)
    known = alignment_of(first.record)
    assert known is not None
    write_aligned(tmp_path / "aligned.png", first.pixels, known)
    again = prepare(tmp_path / "aligned.png", demanded=True)
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert again.record["alignment"]["photograph"] == "photo.png"


def test_each_of_several_faces(tmp_path: Path) -> None:
    Image.fromarray(several()).save(tmp_path / "group.png")
    path = tmp_path / "group.png"
    every = FacePreparer(SHAPE, DETECT, AlignOptions(which="all"))
    sources = every.expand([path, tmp_path / "none.png"])
    assert [(source.stem, source.name) for source in sources] == [
        ("group-face1", "group.png"), ("group-face2", "group.png"), ("group-face3", "group.png"), ("none", "none.png"),
    ]  # fmt: skip
    sides = []
    for source in sources[:3]:
        alignment = alignment_of(every(source).record)
        assert alignment is not None
        sides.append(round(quad_side(alignment.quad)))
    assert sides == sorted(sides, reverse=True)
    assert prepare(path, which=2).record["alignment"] == every(FaceOf(path, 2)).record["alignment"]
    with pytest.raises(ImageError, match="there is no face 4: 3 faces were found"):
        prepare(path, which=4)


def test_a_face_of_few_pixels_is_told(tmp_path: Path) -> None:
    Image.fromarray(ASTRONAUT).resize((180, 180), Image.Resampling.BOX).save(tmp_path / "small.png")
    assert "only 6" in prepare(tmp_path / "small.png").warnings[0]
    assert FacePreparer(Square(64), DETECT)(tmp_path / "small.png").warnings == ()


def test_models_of_portrait_pictures_get_the_columns_that_they_show(photo: Path) -> None:
    spec = replace(standard_spec(128), crop_columns=(32, 96))
    found, square = FacePreparer(spec, DETECT)(photo), prepare(photo)
    np.testing.assert_array_equal(found.pixels, square.pixels[:, 32:96])
    alignment, whole = alignment_of(found.record), alignment_of(square.record)
    assert alignment is not None
    assert whole is not None
    assert quad_side(alignment.quad) == pytest.approx(0.5 * quad_side(whole.quad), rel=1e-3)


def test_a_portrait_model_asks_for_no_more_pixels_than_it_shows(photo: Path) -> None:
    """Of a face 178 pixels wide a model of half its output's columns takes 89, which must be half of its own."""
    wide, narrow = standard_spec(256), replace(standard_spec(256), crop_columns=(64, 192))
    assert FacePreparer(wide, DETECT)(photo).warnings == FacePreparer(narrow, DETECT)(photo).warnings == ()
    wide, narrow = standard_spec(512), replace(standard_spec(512), crop_columns=(128, 384))
    assert "178 pixels of the photograph make a picture of 512" in FacePreparer(wide, DETECT)(photo).warnings[0]
    assert "89 pixels of the photograph make a picture of 256" in FacePreparer(narrow, DETECT)(photo).warnings[0]


def test_models_of_landscape_pictures_get_the_rows_that_they_show(photo: Path) -> None:
    spec = replace(standard_spec(128), crop=(16, 112))
    found, square = FacePreparer(spec, DETECT)(photo), prepare(photo)
    assert found.pixels.shape == (96, 128, 3)
    np.testing.assert_array_equal(found.pixels, square.pixels[16:112])
    part, whole = alignment_of(found.record), alignment_of(square.record)
    assert part is not None
    assert whole is not None
    assert np.hypot(*(part.quad[1] - part.quad[0])) == pytest.approx(0.75 * quad_side(whole.quad), rel=1e-3)
