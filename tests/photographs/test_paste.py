"""Pasting back: what was not edited comes back, what lies outside is not touched, and edits sit where they belong."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.random_weights import standard_spec
from i2s_trt.photographs.paste import PasteOptions, paste_back, unwarp
from i2s_trt.photographs.quad import ffhq_quad, fit_quad, quad_side
from i2s_trt.photographs.warp import align_quad
from tests.photographs.synthetic_face import landmarks68

ASTRONAUT = decode(example_path("astronaut"))
FACE = ffhq_quad(Landmarks((202.6, 101.0), (247.0, 103.2), (200.8, 138.8), (245.8, 141.2)))


def psnr(found: Any, wanted: Any) -> float:
    error = np.square(found.astype(float) - wanted).mean()
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def covered(options: PasteOptions, quad: Any = FACE) -> tuple[Any, Any]:
    """Where a mask is full, and where it is nothing, found by pasting white on black."""
    black = np.zeros_like(ASTRONAUT)
    plain = PasteOptions(options.mask, options.feather, match_colours=False, restore=0)
    weight = paste_back(black, np.full((64, 64, 3), 255, np.uint8), quad, plain)[..., 0]
    return weight == 255, weight == 0


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("mask", ["face", "picture"])
def test_an_unedited_crop_comes_back(size: int, mask: str) -> None:
    options = PasteOptions(mask)  # type: ignore[arg-type]
    found = paste_back(ASTRONAUT, align_quad(ASTRONAUT, FACE, size), FACE, options)
    inside, outside = covered(options)
    assert inside.sum() > 3000
    assert psnr(found[inside], ASTRONAUT[inside]) > 60
    np.testing.assert_array_equal(found[outside], ASTRONAUT[outside])


def test_without_restoring_detail_it_is_as_good_as_resampling_is() -> None:
    options = PasteOptions(match_colours=False, restore=0)
    found = paste_back(ASTRONAUT, align_quad(ASTRONAUT, FACE, 512), FACE, options)
    inside, outside = covered(options)
    assert psnr(found[inside], ASTRONAUT[inside]) > 35
    np.testing.assert_array_equal(found[outside], ASTRONAUT[outside])


@pytest.mark.parametrize("place", [((20.0, 150.0), 40.0, 10.0), ((490.0, 500.0), 60.0, -30.0)], ids=str)
def test_a_face_at_the_edge_is_not_smeared(place: Any) -> None:
    """The alignment blurs a photograph's edge; none of that may come back, restored detail or not."""
    quad = ffhq_quad(Landmarks.from_points(landmarks68(*place)))
    for restore, least in ((8.0, 50), (0.0, 30)):
        options = PasteOptions("picture", match_colours=False, restore=restore)
        found = paste_back(ASTRONAUT, align_quad(ASTRONAUT, quad, 256), quad, options)
        assert psnr(found, ASTRONAUT) > least
        border = np.ones(ASTRONAUT.shape[:2], bool)
        border[1:-1, 1:-1] = False
        np.testing.assert_array_equal(found[border], ASTRONAUT[border])


def test_an_edit_arrives_and_the_rest_stays() -> None:
    crop = align_quad(ASTRONAUT, FACE, 128)
    edited = crop.copy()
    edited[86:100, 50:80] = (200, 30, 30)  # the mouth
    found = paste_back(ASTRONAUT, edited, FACE)
    middle = np.array([0.5, 93 / 128]) @ np.stack([FACE[3] - FACE[0], FACE[1] - FACE[0]]) + FACE[0]
    x, y = np.round(middle).astype(int)
    assert np.abs(found[y, x].astype(int) - (200, 30, 30)).max() < 25
    forehead = np.array([0.5, 0.35]) @ np.stack([FACE[3] - FACE[0], FACE[1] - FACE[0]]) + FACE[0]
    x, y = np.round(forehead).astype(int)
    assert psnr(found[y - 8 : y + 8, x - 8 : x + 8], ASTRONAUT[y - 8 : y + 8, x - 8 : x + 8]) > 38


def test_no_trace_of_what_was_edited_away_is_left() -> None:
    found = paste_back(ASTRONAUT, np.full((64, 64, 3), 128, np.uint8), FACE, PasteOptions(match_colours=False))
    inside, _ = covered(PasteOptions())
    assert np.abs(found[inside].astype(int) - 128).max() <= 4


def test_colours_are_matched_along_the_border() -> None:
    crop = align_quad(ASTRONAUT, FACE, 128)
    tinted = np.clip(crop * np.array([0.8, 0.9, 1.0]) + 20, 0, 255).astype(np.uint8)
    inside, _ = covered(PasteOptions("picture"))
    plain, matched = (
        psnr(
            paste_back(ASTRONAUT, tinted, FACE, PasteOptions("picture", match_colours=match))[inside], ASTRONAUT[inside]
        )
        for match in (False, True)
    )
    assert matched > plain + 4


def test_the_border_is_soft() -> None:
    options = PasteOptions(feather=0.2, match_colours=False, restore=0)
    found = paste_back(np.zeros_like(ASTRONAUT), np.full((64, 64, 3), 255, np.uint8), FACE, options)[..., 0]
    steps = np.abs(np.diff(found.astype(int), axis=1)).max(), np.abs(np.diff(found.astype(int), axis=0)).max()
    assert max(steps) < 255 / (0.2 * quad_side(FACE)) * 3


@pytest.mark.parametrize("crop", [None, (64, 448)])
def test_pictures_that_were_only_fitted(crop: tuple[int, int] | None) -> None:
    from dataclasses import replace

    spec = replace(standard_spec(512), crop=crop)
    photograph = decode(example_path("coffee"))
    quad = fit_quad(photograph.shape[:2], spec.picture_size)
    picture = fit_picture(photograph, spec)
    found = paste_back(photograph, picture, quad, PasteOptions("picture"))
    assert psnr(found, photograph) > 40
    marked = picture.copy()
    marked[100:140, 200:240] = (0, 255, 0)
    found = paste_back(photograph, marked, quad, PasteOptions("picture", match_colours=False))
    scale = quad_side(quad) / 512
    x, y = np.round(quad[0] + np.array([220, 120]) * scale).astype(int)
    assert np.abs(found[y, x].astype(int) - (0, 255, 0)).max() <= 3


def test_a_quad_outside_the_photograph_changes_nothing() -> None:
    found = paste_back(ASTRONAUT, np.zeros((16, 16, 3), np.uint8), FACE + 5000)
    np.testing.assert_array_equal(found, ASTRONAUT)


def test_the_photograph_itself_is_not_written_to() -> None:
    before = ASTRONAUT.copy()
    paste_back(ASTRONAUT, np.zeros((16, 16, 3), np.uint8), FACE)
    np.testing.assert_array_equal(ASTRONAUT, before)


@settings(max_examples=20)
@given(st.floats(-180, 180), st.floats(8, 60), st.floats(0, 120), st.floats(0, 90))
def test_a_flat_photograph_stays_flat(degrees: float, size: float, x: float, y: float) -> None:
    flat = np.full((90, 120, 3), (40, 120, 200), np.uint8)
    quad = ffhq_quad(Landmarks.from_points(landmarks68((x, y), size, degrees)))
    found = paste_back(flat, align_quad(flat, quad, 32, 128), quad)
    assert np.abs(found.astype(int) - flat).max() <= 1


@settings(max_examples=20)
@given(st.floats(-180, 180), st.floats(12, 40))
def test_unwarping_undoes_the_alignment(degrees: float, size: float) -> None:
    y, x = np.mgrid[:200, :200]
    smooth = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    quad = ffhq_quad(Landmarks.from_points(landmarks68((100, 95), size, degrees)))
    back = unwarp(align_quad(smooth, quad, 64, 512), quad, (200, 200))
    reach = int(size * 0.9)
    region = slice(100 - reach, 100 + reach)
    assert np.abs(back[region, region] - smooth[region, region]).max() < 2
