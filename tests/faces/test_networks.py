"""The networks' inputs and outputs: windows, turns, squares cut without aliasing, anchors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.faces.blazeface import MODEL as DETECTION
from i2s_trt.faces.blazeface import SIDE, BlazeFace, _anchors, _tiles, _turn_back
from i2s_trt.faces.mesh import MODEL as LANDMARKS
from i2s_trt.faces.mesh import FaceMesh, Region, cut_square
from i2s_trt.files import file_digest
from tests.faces.photographs import ASTRONAUT


def test_the_models_are_the_ones_of_the_card() -> None:
    card = DETECTION.with_name("README.md").read_text()
    assert file_digest(DETECTION) in card
    assert file_digest(LANDMARKS) in card
    assert "Apache" in card


@pytest.mark.parametrize("turns", range(4))
def test_points_of_a_turned_tile_are_turned_back(turns: int) -> None:
    tile = np.zeros((SIDE, SIDE), np.uint8)
    tile[30, 100] = 1
    ((row, column),) = np.argwhere(np.rot90(tile, turns))
    found = _turn_back(np.array([[column + 0.5, row + 0.5]]), turns)
    np.testing.assert_allclose(found, [[100.5, 30.5]])


@pytest.mark.parametrize(
    ("shape", "count"), [((128, 128), 1), ((64, 128), 1), ((128, 200), 3), ((256, 256), 9), ((1, 1), 1)]
)
def test_tiles_cover_the_picture_and_overlap_by_half(shape: tuple[int, int], count: int) -> None:
    picture = np.full((*shape, 3), 200, np.uint8)
    tiles = list(_tiles(picture))
    assert len(tiles) == count
    seen = np.zeros(shape, bool)
    for (left, top), tile in tiles:
        assert tile.shape == (SIDE, SIDE, 3)
        seen[int(top) : int(top) + SIDE, int(left) : int(left) + SIDE] = True
    assert seen.all()


def test_anchors_are_the_middles_of_cells() -> None:
    found = _anchors(2, 3)
    assert found.shape == (12, 2)
    np.testing.assert_allclose(found[::3], [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])


def test_a_face_is_proposed_where_it_is() -> None:
    best = BlazeFace().propose(ASTRONAUT, 512.0, 0)[0]
    assert best.score > 0.8
    np.testing.assert_allclose(best.centre, [227, 129], atol=6)
    np.testing.assert_allclose(best.eyes, [[203, 102], [247, 104]], atol=6)
    assert abs(best.angle) < 0.2


def test_the_mesh_says_how_sure_it_is() -> None:
    mesh = FaceMesh()
    sure = mesh.find(ASTRONAUT, Region(np.array([226.0, 125.0]), 0.0, 150.0))
    assert sure.score > 0.99
    assert sure.moved < 0.01
    assert mesh.find(ASTRONAUT, Region(np.array([100.0, 400.0]), 0.0, 100.0)).score < 0.9


@settings(max_examples=25)
@given(st.floats(-3.1, 3.1), st.floats(40, 300), st.floats(60, 340), st.floats(60, 340))
def test_a_square_holds_what_lies_in_it(angle: float, side: float, x: float, y: float) -> None:
    rows, columns = np.mgrid[:400, :400]
    ramp = np.stack([columns * 0.6, rows * 0.6, 0 * rows], axis=2).astype(np.uint8)
    found = cut_square(ramp, Region(np.array([x, y]), angle, side)).astype(float)
    middle = found[95:97, 95:97, :2].mean(axis=(0, 1))
    inside = np.clip([x - 0.5, y - 0.5], 0, 399) * 0.6
    np.testing.assert_allclose(middle, inside, atol=1.2)


def test_a_large_square_does_not_alias() -> None:
    board = (np.indices((1600, 1600)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = cut_square(np.repeat(board[..., None], 3, axis=2), Region(np.array([800.0, 800.0]), 0.3, 900.0))
    assert np.abs(found.astype(int) - 127).max() < 25


@pytest.mark.parametrize("centre", [(-500.0, 20.0), (9000.0, 9000.0), (0.0, 0.0)])
def test_squares_beyond_the_picture_repeat_its_edge(centre: Any) -> None:
    found = cut_square(np.full((50, 60, 3), 77, np.uint8), Region(np.array(centre), 1.0, 30.0))
    assert (found == 77).all()


def test_the_square_around_points_turns_with_them() -> None:
    points = np.array([[0.0, 0], [4, 0], [4, 2], [0, 2]])
    flat = Region.around(points, 0.0)
    np.testing.assert_allclose(flat.centre, [2, 1])
    assert flat.side == pytest.approx(6)
    turn = np.array([[0, -1], [1, 0]])
    turned = Region.around(points @ turn.T, np.pi / 2)
    np.testing.assert_allclose(turned.centre, turn @ [2, 1], atol=1e-12)
    assert turned.side == pytest.approx(6)
