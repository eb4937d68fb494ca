"""FFHQ's alignment, held step by step against a literal version, and what it must do to pictures."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.photographs.quad import ffhq_quad, fit_quad
from i2s_trt.photographs.warp import Cutout, align_quad, crop, pad, shrink, warp
from tests.photographs import literal_ffhq
from tests.photographs.synthetic_face import landmarks68

PLACES = {
    "inside": ((200.0, 140.0), 40.0, 0.0), "turned": ((190.0, 150.0), 35.0, 33.0),
    "large": ((200.0, 150.0), 70.0, -8.0),
    "beyond the left edge": ((20.0, 150.0), 30.0, 5.0), "in a corner": ((395.0, 15.0), 25.0, -20.0),
    "upside down": ((210.0, 160.0), 30.0, 175.0), "tiny": ((200.3, 150.7), 6.0, 12.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def photograph(astronaut_pixels: Any) -> Any:
    return np.ascontiguousarray(astronaut_pixels[:300, :400])


@pytest.fixture(scope="module")
def astronaut_pixels() -> Any:
    from i2s_trt.images.examples import example_path

    return decode(example_path("astronaut"))


def start(photograph: Any, place: str) -> tuple[Cutout, Any, float]:
    points = landmarks68(*PLACES[place])
    quad, size = literal_ffhq.quad_of(points)
    return Cutout(photograph, quad), quad, size


@pytest.mark.parametrize("output", [16, 48, 128])
@pytest.mark.parametrize("place", PLACES)
def test_shrinking_step(photograph: Any, place: str, output: int) -> None:
    cut, quad, size = start(photograph, place)
    found = shrink(cut, output)
    img, quad, size = literal_ffhq.shrunk(Image.fromarray(photograph), quad, size, output)
    np.testing.assert_array_equal(found.pixels, np.array(img))
    np.testing.assert_allclose(found.quad, quad)
    assert found.side == pytest.approx(size)


@pytest.mark.parametrize("place", PLACES)
def test_cropping_step(photograph: Any, place: str) -> None:
    cut, quad, size = start(photograph, place)
    found = crop(cut)
    img, quad = literal_ffhq.cropped(Image.fromarray(photograph), quad, size)
    np.testing.assert_array_equal(found.pixels, np.array(img))
    np.testing.assert_allclose(found.quad, quad)


@pytest.mark.parametrize("place", PLACES)
def test_padding_step(photograph: Any, place: str) -> None:
    cut, quad, size = start(photograph, place)
    found = pad(crop(cut))
    img, quad = literal_ffhq.cropped(Image.fromarray(photograph), quad, size)
    img, quad = literal_ffhq.padded(img, quad, size)
    assert found.pixels.shape == np.array(img).shape
    assert np.abs(found.pixels.astype(int) - np.array(img)).max() <= 1  # two ways to sum a Gaussian
    np.testing.assert_allclose(found.quad, quad)


def test_padding_really_happens_in_these_tests(photograph: Any) -> None:
    grown = [
        place
        for place in PLACES
        if pad(crop(start(photograph, place)[0])).pixels.shape != crop(start(photograph, place)[0]).pixels.shape
    ]
    assert set(grown) >= {"beyond the left edge", "in a corner"}
    assert "inside" not in grown


def test_warping_step(photograph: Any) -> None:
    cut, quad, _ = start(photograph, "turned")
    found = warp(cut, 64)
    np.testing.assert_array_equal(found, np.array(literal_ffhq.warped(Image.fromarray(photograph), quad, 64)))


@pytest.mark.parametrize("place", ["turned", "in a corner"])
def test_all_steps(photograph: Any, place: str) -> None:
    points = landmarks68(*PLACES[place])
    found = align_quad(photograph, ffhq_quad(Landmarks.from_points(points)), 64)
    expected = literal_ffhq.aligned(photograph, points, 64)
    assert found.shape == (64, 64, 3)
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_a_fine_checkerboard_does_not_alias() -> None:
    board = np.indices((1200, 1200)).sum(axis=0) % 2 * 255
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    found = align_quad(pixels, ffhq_quad(Landmarks.from_points(landmarks68((600, 500), 120, 7))), 64)
    assert np.abs(found.astype(int) - 127).max() <= 4


@pytest.mark.parametrize("transform_size", [4096, 256])
def test_a_quad_that_is_the_picture_gives_the_picture(photograph: Any, transform_size: int) -> None:
    smooth = np.array(Image.fromarray(photograph).resize((16, 16), Image.Resampling.BOX).resize((64, 64)))
    found = align_quad(
        np.pad(smooth, ((40, 40), (40, 40), (0, 0)), "edge"),
        fit_quad((64, 64), (8, 8)) + 40,
        64,
        transform_size,
    )
    inner = found[4:-4, 4:-4].astype(int) - smooth[4:-4, 4:-4]
    assert np.abs(inner).mean() < 1.5


def test_positions_are_kept_to_a_fraction_of_a_pixel() -> None:
    """A dot at the left eye must come out where FFHQ has left eyes, whatever the rotation."""
    for degrees in (0, 40, -120, 180):
        points = landmarks68((300.25, 260.75), 60, degrees)
        face = Landmarks.from_points(points)
        y, x = np.mgrid[:520, :600]
        dot = 255 * np.exp(-((x - face.left_eye[0]) ** 2 + (y - face.left_eye[1]) ** 2) / 50)
        dots = np.repeat(dot[..., None], 3, axis=2).astype(np.uint8)
        picture = align_quad(dots, ffhq_quad(face), 128)[..., 0].astype(float)
        rows, columns = np.mgrid[:128, :128]
        middle = np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()
        expected = np.array([0.5 - 0.5 / 4, 0.5 - 0.1 * 1.05 / 4]) * 128 - 0.5
        np.testing.assert_allclose(middle, expected, atol=0.1)


def test_a_face_wholly_outside_gives_a_picture_all_the_same(photograph: Any) -> None:
    found = align_quad(photograph, ffhq_quad(Landmarks.from_points(landmarks68((-300, -300), 20))), 16)
    assert found.shape == (16, 16, 3)


def test_a_very_small_photograph() -> None:
    found = align_quad(np.full((3, 2, 3), 77, np.uint8), ffhq_quad(Landmarks.from_points(landmarks68((1, 1), 2))), 16)
    assert (np.abs(found.astype(int) - 77) <= 1).all()
