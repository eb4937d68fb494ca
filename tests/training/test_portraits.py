"""Each factor draws what it says, where it says, and nothing else."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from i2s_trt.training.factors import COUNT, Factors, sample_latents, uniform_from_latents
from i2s_trt.training.portraits import render_portrait, render_uniform

SIZE = 128
PLAIN = Factors(skin_tone=-0.5, hair_darkness=0.5, backdrop_light=0.2, light_side=0.2)
Box = tuple[float, float, float, float]  # left, right, top, bottom in [-1, 1]

MOUTH: Box = (-0.42, 0.42, 0.2, 0.66)
EYES: Box = (-0.50, 0.50, -0.36, 0.12)


def change(**factors: float) -> npt.NDArray[np.float64]:
    """How much each pixel [R, R] changes when a plain face gets these factors, in levels of 255."""
    before = render_portrait(PLAIN, SIZE).astype(float)
    after = render_portrait(replace(PLAIN, **factors), SIZE).astype(float)
    return np.asarray(np.abs(after - before).max(axis=2))


def share(difference: npt.NDArray[np.float64], box: Box) -> float:
    """The part of the squared difference that lies in the box."""
    left, right, top, bottom = (round((edge + 1) / 2 * SIZE) for edge in box)
    return float((difference[top:bottom, left:right] ** 2).sum() / (difference**2).sum())


@pytest.mark.parametrize(
    ("factor", "value", "box"),
    [
        ("mouth_open", 1.0, MOUTH),
        ("lip_fullness", 1.0, MOUTH),
        ("lip_colour", 1.0, MOUTH),
        ("moustache", 1.0, (-0.3, 0.3, 0.2, 0.42)),
        ("eye_open", -1.0, EYES),
        ("gaze", 1.0, EYES),
        ("gaze_up", 1.0, EYES),
        ("iris", 1.0, EYES),
        ("brow_height", 1.0, (-0.5, 0.5, -0.45, -0.1)),
        ("nose_length", 1.0, (-0.3, 0.3, -0.3, 0.35)),
        ("glasses", 1.0, (-0.65, 0.65, -0.3, 0.2)),
        ("clothes_light", 1.0, (-1.0, 1.0, 0.6, 1.0)),
        ("bangs", 1.0, (-0.6, 0.6, -0.7, -0.1)),
        ("hair_length", 1.0, (-1.0, 1.0, -0.4, 1.0)),
    ],
)
def test_a_factor_changes_its_region_alone(factor: str, value: float, box: Box) -> None:
    difference = change(**{factor: value})
    assert difference.max() > 20
    assert share(difference, box) > 0.97


def test_a_smile_moves_the_mouth_and_little_else() -> None:
    difference = change(smile=1.0)
    assert share(difference, MOUTH) > 0.65  # the rest: eyes narrow, cheeks lift, folds deepen
    outside = difference.copy()
    outside[round(0.1 * SIZE) : round(0.85 * SIZE), round(0.2 * SIZE) : round(0.8 * SIZE)] = 0
    assert outside.max() <= 1


def test_a_smile_raises_the_corners_of_the_mouth() -> None:
    # Lips are the reddest pixels relative to the skin; the corners' height is that of the outermost lip pixels.
    def corner_height(smile: float) -> float:
        face = render_portrait(replace(PLAIN, smile=smile, lip_colour=1.0), 256).astype(float)
        rows = face[150:215, 78:108]
        redness = rows[..., 0] / (rows[..., 1] + 1)
        row, _ = np.unravel_index(np.argmax(redness), redness.shape)
        return -float(row)

    assert corner_height(1.0) > corner_height(-1.0)


def test_backdrop_leaves_the_face_alone() -> None:
    difference = change(backdrop_hue=1.0, backdrop_light=1.0, backdrop_stripes=1.0)
    assert difference[:20, :10].min() > 5
    assert difference[40:100, 40:88].max() <= 1


def test_open_mouths_show_teeth_and_darkness() -> None:
    mouth = render_portrait(replace(PLAIN, mouth_open=1.0), SIZE)[80:105, 52:76]
    assert mouth.min(axis=2).max() > 180
    assert mouth.max(axis=2).min() < 90


def test_gaze_moves_the_pupils() -> None:
    def pupil(gaze: float) -> float:
        eye = render_portrait(replace(PLAIN, gaze=gaze, eye_open=1.0), SIZE)[56:66, 38:58].astype(float).sum(axis=2)
        return float((eye < 150).nonzero()[1].mean())

    assert pupil(1.0) - pupil(-1.0) > 3.0


def test_rendering_is_a_pure_function_of_the_factors() -> None:
    assert np.array_equal(render_portrait(PLAIN, 64), render_portrait(PLAIN, 64))


def test_a_batch_gives_what_single_portraits_give() -> None:
    rows = uniform_from_latents(sample_latents(11, 4))
    batch = render_uniform(rows, 64)
    assert batch.shape == (4, 64, 64, 3)
    assert batch.dtype == np.uint8
    for row, portrait in zip(rows, batch, strict=True):
        assert np.array_equal(render_uniform(row[None], 64)[0], portrait)


def test_sizes_show_the_same_face() -> None:
    small, large = render_portrait(PLAIN, 128).astype(float), render_portrait(PLAIN, 256).astype(float)
    halved = large.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - halved).mean() < 2.0


def test_edges_are_soft() -> None:
    # A hard-edged renderer jumps from background to hair within one pixel; here a step takes two or more.
    row = render_portrait(replace(PLAIN, backdrop_light=1.0, hair_darkness=1.0), SIZE)[16].astype(int).sum(axis=1)
    contrast = int(row.max()) - int(row.min())
    assert contrast > 300
    assert np.abs(np.diff(row)).max() < 0.7 * contrast


def test_no_extreme_breaks_the_renderer() -> None:
    for value in (-1.0, 1.0):
        portraits = render_uniform(np.full((1, COUNT), value), 64)
        assert portraits.std() > 10


def test_pictures_are_continuous_in_every_factor() -> None:
    # A small step of all factors is a small step of the picture: what a generator can follow.
    rows = uniform_from_latents(sample_latents(2, 3))
    near = np.clip(rows + 0.004, -1, 1)
    difference = np.abs(render_uniform(rows, 64).astype(int) - render_uniform(near, 64))
    assert difference.mean() < 1.0
