"""Quads: FFHQ's square, the middle of a photograph, and the rows of a landscape model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.errors import ImageError
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.photographs.quad import ffhq_quad, fit_quad, is_whole, quad_around, quad_part, quad_side
from tests.photographs import literal_ffhq
from tests.photographs.synthetic_face import landmarks68


@given(
    st.floats(-179, 179), st.floats(5, 900), st.floats(-99, 999), st.floats(-99, 999), st.floats(0.5, 2)
)  # fmt: skip
def test_the_square_is_the_written_algorithms(degrees: float, size: float, x: float, y: float, mouth: float) -> None:
    points = landmarks68((x, y), size, degrees, mouth)
    quad = ffhq_quad(Landmarks.from_points(points))
    expected, side = literal_ffhq.quad_of(points)
    np.testing.assert_allclose(quad, expected, rtol=1e-9, atol=1e-6)
    assert quad_side(quad) == pytest.approx(side)


@given(st.floats(-179, 179), st.floats(5, 900))
def test_it_is_a_square_that_turns_with_the_face(degrees: float, size: float) -> None:
    quad = ffhq_quad(Landmarks.from_points(landmarks68((0, 0), size, degrees)))
    sides = np.roll(quad, -1, axis=0) - quad
    np.testing.assert_allclose(np.hypot(*sides.T), quad_side(quad))
    upper = quad[3] - quad[0]
    assert np.cos(np.arctan2(upper[1], upper[0]) - np.radians(degrees)) == pytest.approx(1)
    assert quad_side(quad) == pytest.approx(4 * size)  # twice the eyes, left and right


def test_a_long_face_is_measured_by_its_mouth() -> None:
    quad = ffhq_quad(Landmarks.from_points(landmarks68((0, 0), 100, mouth=2.0)))
    assert quad_side(quad) == pytest.approx(2 * 1.8 * 200)


def test_a_mouth_between_nowhere_is_refused() -> None:
    with pytest.raises(ImageError, match="do not make a face"):
        ffhq_quad(Landmarks((0, 0), (10, 0), (5, -10), (5, -10)))


@pytest.mark.parametrize(
    ("photograph", "picture", "fit", "expected"), [
        ((100, 300), (64, 64), "crop", (99.5, -0.5, 199.5, 99.5)),
        ((100, 300), (64, 64), "pad", (-0.5, -100.5, 299.5, 199.5)),
        ((300, 100), (64, 64), "crop", (-0.5, 99.5, 99.5, 199.5)),
        ((384, 512), (384, 512), "crop", (-0.5, -0.5, 511.5, 383.5)),
        ((512, 512), (384, 512), "crop", (-0.5, 63.5, 511.5, 447.5)),
        ((512, 512), (384, 512), "pad", (-85.8333, -0.5, 596.8333, 511.5)),
    ], ids=str,
)  # fmt: skip
def test_the_middle_of_a_photograph(
    photograph: tuple[int, int], picture: tuple[int, int], fit: str, expected: tuple[float, ...]
) -> None:
    left, top, right, bottom = expected
    quad = fit_quad(photograph, picture, fit)  # type: ignore[arg-type]
    np.testing.assert_allclose(quad, [[left, top], [left, bottom], [right, bottom], [right, top]], atol=1e-3)


def test_the_rows_of_a_landscape_model() -> None:
    square = ffhq_quad(Landmarks.from_points(landmarks68((50, 60), 20, 30)))
    part = quad_part(square, (slice(64, 448), slice(0, 512)), 512)
    assert quad_side(part) == pytest.approx(quad_side(square))
    assert np.hypot(*(part[1] - part[0])) == pytest.approx(quad_side(square) * 384 / 512)
    np.testing.assert_allclose(quad_part(square, (slice(0, 9), slice(0, 9)), 9), square)


def test_the_columns_of_a_portrait_model() -> None:
    square = fit_quad((100, 100), (8, 8))
    part = quad_part(square, (slice(0, 8), slice(2, 5)), 8)
    np.testing.assert_allclose(part, [[24.5, -0.5], [24.5, 99.5], [62, 99.5], [62, -0.5]])


@given(st.data())
def test_a_part_of_a_quad_and_back(data: st.DataObject) -> None:
    """Of any size and in any shape, as a user may draw one."""
    corners = data.draw(st.lists(st.tuples(*[st.floats(-50, 50)] * 2), min_size=4, max_size=4))
    quad = np.array([[-100, -100], [-100, 100], [100, 100], [100, -100]]) + np.array(corners)
    ends = st.lists(st.integers(0, 64), min_size=2, max_size=2, unique=True).map(sorted)
    rows, columns = (slice(*data.draw(ends)) for _ in range(2))
    part = quad_part(quad, (rows, columns), 64)
    np.testing.assert_allclose(quad_around(part, (rows, columns), 64), quad, atol=1e-9)


def test_whether_a_quad_is_the_whole_picture() -> None:
    whole = fit_quad((100, 100), (8, 8))
    assert is_whole(whole, (100, 100), 0)
    assert is_whole(whole + 5, (100, 100), 0.05)
    assert not is_whole(whole + 6, (100, 100), 0.05)
    assert not is_whole(whole, (100, 120), 0.05)
