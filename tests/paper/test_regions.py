"""Features are where drawn faces have them, and defects cover them alone."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.paper.pictures.people import person
from benchmarks.paper.regions import DEFECTS, FEATURES, difference, removed, restored
from i2s_trt.training.portraits.render import render_portrait

FACE = replace(person(5103), glasses=0.0, beard=0.0, moustache=0.0, bangs=0.0, hair_length=0.0)
PICTURE = render_portrait(FACE, 128)


@pytest.mark.parametrize(
    ("feature", "changes"),
    [
        ("eyes", {"eye_open": -1.0, "gaze": 1.0, "brow_height": 1.0}),
        ("mouth", {"smile": 1.0, "mouth_open": 1.0}),
        ("nose", {"nose_width": 1.0}),
    ],
)
def test_a_feature_changes_within_its_region_most(feature: str, changes: dict[str, float]) -> None:
    changed = render_portrait(replace(FACE, **changes), 128)
    inside = difference(PICTURE, changed, feature)
    others = [difference(PICTURE, changed, name) for name in FEATURES if name != feature]
    assert inside > 1.5 * max(others)


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_covers_its_features_alone(defect: str) -> None:
    damaged = removed(PICTURE, DEFECTS[defect])
    for name, region in FEATURES.items():
        box = region.slices(PICTURE)
        assert (damaged[box] == 128).all() == (name in DEFECTS[defect])
    assert np.array_equal(restored(damaged, PICTURE, DEFECTS[defect]), PICTURE)
    assert np.mean(damaged != PICTURE) < 0.2


def test_regions_do_not_overlap() -> None:
    cover = np.zeros((200, 200), int)
    for region in FEATURES.values():
        cover[region.slices(cover)] += 1
    assert cover.max() == 1


def test_the_picture_is_left_alone() -> None:
    before = PICTURE.copy()
    removed(PICTURE, ("eyes",))
    restored(PICTURE, 255 - PICTURE, ("eyes",))
    assert np.array_equal(PICTURE, before)
