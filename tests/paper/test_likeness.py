"""The distance from a model's own samples: about 1 for them, larger for anything else."""

import numpy as np
import pytest

from benchmarks.paper.likeness import Likeness
from benchmarks.paper.pictures.cars import draw_car
from benchmarks.paper.pictures.people import drawn_face

FACES = [drawn_face(7000 + seed, 64) for seed in range(96)]


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return Likeness(FACES)


def test_samples_lie_at_one(likeness: Likeness) -> None:
    distances = [likeness.distance(drawn_face(8000 + seed, 64)) for seed in range(24)]
    assert 0.7 < float(np.median(distances)) < 1.5


@pytest.mark.parametrize("seed", range(5))
def test_cars_lie_far_from_faces(likeness: Likeness, seed: int) -> None:
    assert likeness.distance(draw_car(seed, 64)) > 2.5


def test_an_upside_down_face_is_no_face(likeness: Likeness) -> None:
    upright = [likeness.distance(face) for face in FACES[:8]]
    turned = [likeness.distance(np.ascontiguousarray(face[::-1])) for face in FACES[:8]]
    assert float(np.median(turned)) > 2 * float(np.median(upright))


def test_the_size_of_the_picture_does_not_matter(likeness: Likeness) -> None:
    assert likeness.distance(drawn_face(8001, 128)) == pytest.approx(likeness.distance(drawn_face(8001, 64)), rel=0.1)


def test_samples_that_are_all_alike_are_no_trouble() -> None:
    plain = Likeness([np.full((16, 16, 3), 90, np.uint8)] * 64)
    assert np.isfinite(plain.distance(FACES[0]))
