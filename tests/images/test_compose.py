"""Strips and sheets."""

from pathlib import Path

import numpy as np
from PIL import Image

from i2s_trt.images.compose import sheet, strip, write_png
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


def test_examples_are_square_photographs() -> None:
    for name, example in EXAMPLES.items():
        picture = example_picture(name)
        assert picture.shape == (example.side, example.side, 3)
        assert picture.std() > 30
