"""Strips and sheets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2s_trt.errors import UsageError
from i2s_trt.images.compose import contact_sheet, sheet, strip, write_picture, write_png
from i2s_trt.images.examples import EXAMPLES, example_picture

RED = np.full((40, 60, 3), (255, 0, 0), np.uint8)
BLUE = np.full((40, 60, 3), (0, 0, 255), np.uint8)


def test_a_strip_is_pictures_with_a_gap() -> None:
    found = strip([RED, BLUE])
    assert found.shape == (40, 124, 3)
    np.testing.assert_array_equal(found[:, :60], RED)
    np.testing.assert_array_equal(found[:, 64:], BLUE)
    assert (found[:, 60:64] == 255).all()


def test_empty_cells_stay_white_and_short_rows_are_allowed() -> None:
    found = sheet([[None, RED], [BLUE]])
    assert found.shape == (84, 124, 3)
    assert (found[:40, :60] == 255).all()
    assert (found[44:, 64:] == 255).all()
    np.testing.assert_array_equal(found[44:, :60], BLUE)


def test_labels_take_room_of_their_own() -> None:
    bare, labelled = sheet([[RED, BLUE]]), sheet([[RED, BLUE]], column_labels=["a", "b"], row_labels=["row"])
    height, width = bare.shape[:2]
    np.testing.assert_array_equal(labelled[-height:, -width:], bare)
    assert (labelled[:-height] < 128).any()
    assert (labelled[:, :-width] < 128).any()


def test_cells_are_scaled_to_a_height() -> None:
    assert sheet([[RED]], cell_height=20).shape == (20, 30, 3)
    assert sheet([[RED]], cell_height=80).shape == (80, 120, 3)


def test_png_holds_the_very_pixels(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    write_png(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.array(image), picture)


def test_pictures_are_written_by_their_name(tmp_path: Path) -> None:
    for name, kind in {"a.png": "PNG", "a.JPG": "JPEG", "a.jpeg": "JPEG"}.items():
        write_picture(tmp_path / name, RED)
        with Image.open(tmp_path / name) as image:
            assert (image.format, image.size) == (kind, (60, 40))
            assert np.abs(np.array(image).astype(int) - RED).max() < 4
    with pytest.raises(UsageError, match=r"a\.tif is not a kind of picture"):
        write_picture(tmp_path / "a.tif", RED)


def test_examples_are_square_photographs() -> None:
    for name, example in EXAMPLES.items():
        picture = example_picture(name)
        assert picture.shape == (example.side, example.side, 3)
        assert picture.std() > 30


def test_a_contact_sheet_fills_rows_and_is_about_square() -> None:
    pictures = [np.full((40, 60, 3), shade, np.uint8) for shade in range(0, 250, 50)]
    found = contact_sheet(pictures)
    assert found.shape == (2 * 40 + 4, 3 * 60 + 2 * 4, 3)
    for number, picture in enumerate(pictures):
        y, x = 44 * (number // 3), 64 * (number % 3)
        np.testing.assert_array_equal(found[y : y + 40, x : x + 60], picture)
    assert (found[44:, 128:] == 255).all()
    assert contact_sheet(pictures, columns=5).shape == (40, 5 * 60 + 4 * 4, 3)
    assert contact_sheet(pictures[:1], cell_height=20).shape == (20, 30, 3)


def test_every_cell_of_a_contact_sheet_has_its_label() -> None:
    bare = contact_sheet([RED, BLUE, RED], columns=2)
    found = contact_sheet([RED, BLUE, RED], ["a", "b", "c"], columns=2)
    line = (found.shape[0] - bare.shape[0]) // 2
    assert found.shape[1] == bare.shape[1]
    for top, left in ((0, 0), (0, 64), (line + 44, 0)):
        assert (found[top : top + line, left : left + 60] < 128).any()
        assert found[top + line, left].tolist() in ([255, 0, 0], [0, 0, 255])
    assert (found[line + 44 :, 64:] == 255).all()


def test_labels_wider_than_a_column_are_cut_short() -> None:
    short, long = sheet([[RED, RED]], column_labels=["", "b"]), sheet([[RED, RED]], column_labels=["w" * 90, "b"])
    assert short.shape == long.shape
    label = long.shape[0] - 40
    np.testing.assert_array_equal(long[:label, 64:], short[:label, 64:])
    assert (long[:label, :60] < 128).any()
