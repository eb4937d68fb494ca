"""Each factor draws what it says, where it says, and nothing else."""

from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt
import pytest

from i2s_trt.training.factors import COUNT, INDEX, NAMES, Factors, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_portrait, render_uniform

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
        ("hat", 1.0, (-0.8, 0.8, -1.0, 0.2)),
        ("hair_texture", 1.0, (-0.8, 0.8, -1.0, 0.2)),
        ("stubble", 1.0, (-0.6, 0.6, -0.1, 0.9)),
        ("collar", 1.0, (-0.7, 0.7, 0.6, 1.0)),
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


def test_clutter_lies_behind_the_head() -> None:
    difference = change(backdrop_clutter=1.0)
    behind = difference.copy()
    behind[20:, 28:100] = 0
    assert behind.max() > 40
    assert difference[40:100, 40:88].max() <= 1


def test_clutter_is_lights_and_darks_out_of_focus() -> None:
    before = render_portrait(PLAIN, SIZE).astype(float).mean(axis=2)
    after = render_portrait(replace(PLAIN, backdrop_clutter=1.0), SIZE).astype(float).mean(axis=2)
    assert (after - before).max() > 15
    assert (after - before).min() < -15
    assert np.abs(np.diff(after[:, :20], axis=1)).max() < 25  # no hard edge


def test_a_hat_has_the_colour_of_the_clothes() -> None:
    for hue in (-1.0, 1.0):
        portrait = render_portrait(replace(PLAIN, hat=1.0, clothes_hue=hue, clothes_light=0.5), SIZE).astype(float)
        red, _, blue = portrait[10:20, 58:70].mean(axis=(0, 1))
        assert (blue - red) * hue > 30


def test_a_hat_hides_full_and_curly_hair() -> None:
    for factors in (PLAIN, replace(PLAIN, curl=1.0, hair_volume=1.0, hair_texture=1.0)):
        fair, dark = (render_portrait(replace(factors, hat=1.0, hair_darkness=value), SIZE) for value in (-1.0, 1.0))
        assert np.abs(fair[:28].astype(int) - dark[:28]).max() <= 3  # the rows above the forehead


def test_coarse_hair_is_dark_and_bright_side_by_side() -> None:
    def contrast(texture: float) -> float:
        portrait = render_portrait(replace(PLAIN, hair_texture=texture, hair_darkness=-0.5), SIZE)
        return float(np.abs(np.diff(portrait[14:24, 40:88].astype(float).mean(axis=2), axis=1)).mean())

    assert contrast(1.0) > 2.0 * contrast(-1.0)


def test_skin_texture_stays_on_the_face() -> None:
    difference = change(skin_texture=1.0)
    assert difference.max() > 20
    assert share(difference, (-0.6, 0.6, -0.75, 0.9)) > 0.99
    assert difference[:, :20].max() == 0


def test_strong_light_is_brighter_and_casts_deeper_shadows() -> None:
    def lit(strength: float) -> tuple[float, float]:
        factors = replace(PLAIN, light_strength=strength, light_side=1.0)
        cheeks = render_portrait(factors, SIZE)[66:86].astype(float).mean(axis=2)
        return float(cheeks[:, 80:86].mean()), float(cheeks[:, 80:86].mean() / cheeks[:, 38:44].mean())

    (dim, dim_ratio), (glaring, glaring_ratio) = lit(-1.0), lit(1.0)
    assert glaring > dim + 30
    assert glaring_ratio > 1.1 * dim_ratio


def test_warm_light_turns_the_whole_picture_orange() -> None:
    cold, warm = (render_portrait(replace(PLAIN, light_warmth=value), SIZE).astype(int) for value in (-1.0, 1.0))
    assert (warm[..., 0] >= cold[..., 0]).all()
    assert (warm[..., 2] <= cold[..., 2]).all()
    assert (warm[..., 0] - cold[..., 0]).mean() > 10


def test_a_turned_head_shows_less_of_its_far_cheek() -> None:
    # Glasses keep to the face: their two outer rims lie as far from the eyes' middle as the cheeks do.
    turned = render_portrait(replace(PLAIN, yaw=1.0, glasses=1.0), SIZE).astype(float)
    bare = render_portrait(replace(PLAIN, yaw=1.0), SIZE).astype(float)
    columns = np.flatnonzero(np.abs(turned - bare).max(axis=2)[52:70].max(axis=0) > 30)
    near, far = 64 - columns.min(), columns.max() - 64
    assert near > 1.2 * far


def test_a_wide_open_mouth_shows_upper_teeth_the_dark_the_tongue_and_lower_teeth() -> None:
    middle = render_portrait(replace(PLAIN, mouth_open=1.0), 256)[168:204, 120:136].astype(float).mean(axis=1)
    light, redness = middle.mean(axis=1), middle[:, 0] - middle[:, 1]
    teeth = np.flatnonzero((light > 130) & (redness < 45))
    dark, tongue = np.flatnonzero(light < 60), np.flatnonzero((redness > 55) & (light > 60))
    assert teeth.min() < dark.min() < teeth.max()
    assert ((tongue > dark.min()) & (tongue < teeth.max())).any()


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


@pytest.mark.parametrize("factor", NAMES[46:])
def test_a_small_step_of_a_new_factor_is_a_small_step_of_the_picture(factor: str) -> None:
    start = 0 if fields(Factors)[INDEX[factor]].metadata["full"] else -1  # part-time factors lie in [0, 1]
    values = np.linspace(start, 1, 20 * (1 - start) + 1)
    portraits = [render_portrait(replace(PLAIN, **{factor: value}), 64).astype(int) for value in values]
    steps = np.abs(np.diff(portraits, axis=0)).max(axis=(1, 2, 3))
    assert steps.max() < 30  # of 255, anywhere in the picture
    assert np.abs(portraits[0] - portraits[-1]).max() > 20
