"""The rule of every study on made figures: true ones hold, and each thing made false on purpose is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.paper.artifacts import Spot
from benchmarks.paper.quality import Quality
from benchmarks.paper.studies import (
    figure1,
    figure4,
    figure5,
    figure6,
    figure7,
    figure8,
    figure9,
    figure11,
    figure12,
    figure16,
    figure18,
    figure19,
    figure20,
    figure21,
    table3,
    walks,
)
from benchmarks.paper.verdict import FAILS, HOLDS, Check, judge

Checks = tuple[Check, ...]


def quality(loss: float, explained: float = 0.9) -> figure1.ClassQuality:
    return figure1.ClassQuality(loss, 25.0, 0.8, explained, 1.0)


def seen(ssim: float, detail: float = 0.8) -> Quality:
    return Quality(ssim, 25.0, detail)


LOSSES = {
    figure9.PIXEL: seen(0.6, 0.4), figure9.SINGLE: seen(0.3), figure9.PIXEL_SINGLE: seen(0.65),
    figure9.PERCEPTUAL: seen(0.5), figure9.FULL: seen(0.7),
}  # fmt: skip
SPACES = dict(zip(figure5.COLUMNS, (900.0, 500.0, 600.0, 400.0, 90.0, 100.0), strict=True))
FACE_MORPH = figure4.Morph("faces", [], 1.0, 1.0, 0.95, 0.9, 0.5)
CAR_MORPH = figure4.Morph("cars", [], 2.0, 3.0, 0.6, 0.5, 0.2)
MIXED_MORPH = figure4.Morph("cars to faces", [], 1.5, 2.0, 0.7, 0.8, 0.6)
RAMP = figure7.Ramp("smile", [], [-0.8, -0.4, 0.0, 0.4, 0.8], 0.1)
SHARES = {"yaw": 0.1, "smile": 0.2, "skin_tone": 0.9, "light_side": 0.95}
DROPLET, PLAIN = Spot(20.0, 0.01, 0.5, 0.5), Spot(3.0, 0.01, 0.5, 0.5)
WALK = walks.Walk("cars", [], [3.0, 2.5, 2.0, 1.5, 1.0, 0.9], 0.0)
CLUSTER = np.array([[0, 1, 1, 6, 6], [1, 0, 1, 6, 6], [1, 1, 0, 6, 6], [6, 6, 6, 0, 7], [6, 6, 6, 7, 0]], float)
GROUPS = ("faces", "faces", "faces", "cars", "cars")
DEALT = ("faces", "cars", "faces", "faces", "cars")


TRUE: dict[str, Callable[[], Checks]] = {
    "figure1": lambda: figure1.checks({"faces": quality(1), "cars": quality(2)}, 1.0),
    "table3": lambda: table3.independence_checks(1.0, 10.0, 5.0, 50.0),
    "figure4": lambda: figure4.checks([FACE_MORPH, CAR_MORPH, MIXED_MORPH]),
    "figure5": lambda: figure5.checks(SPACES),
    "figure6": lambda: figure6.checks(100.0, 20.0, 0.8),
    "figure7": lambda: figure7.checks([RAMP, RAMP]),
    "figure8": lambda: figure8.checks(5.0, 20.0, 0.8, 0.4, SHARES),
    "figure9": lambda: figure9.checks(LOSSES),
    "figure11": lambda: figure11.checks([10.0, 12.0, 14.0], [5.0, 1.0, 1.0], [0.9, 0.8, 0.7]),
    "figure12": lambda: figure12.checks(Quality(0.8, 25, 0.9), Quality(0.7, 25, 0.9)),
    "figure16": lambda: figure16.checks({"stored": 1.0, 1: 1.02, 2: 0.98, "resampled": 1.5}),
    "figure18": lambda: figure18.checks(0.9, {"car": 0.5, "cat": 0.6}),
    "figure19": lambda: figure19.checks(1.0, {"car": 2.0}),
    "figure20": lambda: figure20.checks(CLUSTER, GROUPS),
    "figure21": lambda: figure21.checks([DROPLET, PLAIN], [DROPLET]),
    "walks": lambda: walks.checks([WALK]),
}
FALSE: dict[str, Callable[[], Checks]] = {
    "figure1, embeddings shuffled": lambda: figure1.checks({"faces": quality(1), "cars": quality(2)}, 0.1),
    "figure1, classes exchanged": lambda: figure1.checks({"faces": quality(2), "cars": quality(1)}, 1.0),
    "figure1, a class not embedded": lambda: figure1.checks({"faces": quality(1), "cars": quality(2, 0.1)}, 1.0),
    "table3, eyes move with the nose": lambda: table3.independence_checks(8.0, 10.0, 5.0, 50.0),
    "table3, the gap painted in": lambda: table3.independence_checks(1.0, 10.0, 50.0, 5.0),
    "figure4, ghosts between faces": lambda: figure4.checks([replace(FACE_MORPH, middle=2.0), CAR_MORPH, MIXED_MORPH]),
    "figure4, cars morph well": lambda: figure4.checks([FACE_MORPH, replace(CAR_MORPH, contours=0.99), MIXED_MORPH]),
    "figure4, no face between": lambda: figure4.checks([FACE_MORPH, CAR_MORPH, replace(MIXED_MORPH, face=0.3)]),
    "figure5, W as good": lambda: figure5.checks({**SPACES, figure5.W_MEAN: 91.0}),
    "figure5, random weights as good": lambda: figure5.checks({**SPACES, figure5.PLUS_RANDOM_WEIGHTS: 80.0}),
    "figure6, no style": lambda: figure6.checks(100.0, 120.0, 0.8),
    "figure6, no face": lambda: figure6.checks(100.0, 20.0, 0.1),
    "figure7, falling": lambda: figure7.checks([replace(RAMP, rising=RAMP.rising[::-1])]),
    "figure7, all moves": lambda: figure7.checks([replace(RAMP, elsewhere=1.5)]),
    "figure8, colours stay": lambda: figure8.checks(20.0, 5.0, 0.8, 0.4, SHARES),
    "figure8, faces lost": lambda: figure8.checks(5.0, 20.0, 0.4, 0.8, SHARES),
    "figure8, expression goes over": lambda: figure8.checks(5.0, 20.0, 0.8, 0.4, {**SHARES, "smile": 0.9}),
    "figure8, colour stays": lambda: figure8.checks(5.0, 20.0, 0.8, 0.4, {**SHARES, "skin_tone": 0.1}),
    "figure9, pixels win": lambda: figure9.checks({**LOSSES, figure9.PIXEL: seen(0.9, 0.4)}),
    "figure9, one layer wins": lambda: figure9.checks({**LOSSES, figure9.SINGLE: seen(0.55)}),
    "figure9, pixels keep detail": lambda: figure9.checks({**LOSSES, figure9.PIXEL: seen(0.6, 0.95)}),
    "figure11, no loss of quality": lambda: figure11.checks([10.0, 9.0, 8.0], [5.0, 1.0, 1.0], [0.9, 0.8, 0.7]),
    "figure11, collapse": lambda: figure11.checks([10.0, 40.0, 90.0], [5.0, 1.0, 1.0], [0.9, 0.8, 0.7]),
    "figure11, perfect": lambda: figure11.checks([10.0, 12.0, 14.0], [5.0, 0.0, 0.0], [0.9, 0.8, 0.7]),
    "figure12, full size wins": lambda: figure12.checks(Quality(0.6, 25, 0.9), Quality(0.7, 25, 0.9)),
    "figure16, noise matters": lambda: figure16.checks({"stored": 1.0, 1: 2.0, 2: 0.98, "resampled": 4.0}),
    "figure16, resampling harmless": lambda: figure16.checks({"stored": 1.0, 1: 1.02, 2: 0.98, "resampled": 1.0}),
    "figure18, others embed better": lambda: figure18.checks(0.5, {"car": 0.9}),
    "figure19, others morph well": lambda: figure19.checks(1.0, {"car": 0.9}),
    "figure20, classes dealt": lambda: figure20.checks(CLUSTER, DEALT),
    "figure21, clean": lambda: figure21.checks([PLAIN], [PLAIN]),
    "walks, astray": lambda: walks.checks([replace(WALK, miss=20.0)]),
    "walks, away from faces": lambda: walks.checks([replace(WALK, distances=WALK.distances[::-1])]),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_figures_hold(name: str) -> None:
    checks = TRUE[name]()
    assert judge(checks) == HOLDS, [check for check in checks if not check.holds]


@pytest.mark.parametrize("name", FALSE)
def test_false_figures_do_not_hold(name: str) -> None:
    assert judge(FALSE[name]()) == FAILS


def test_a_larger_collection_is_put_to_the_test_of_chance() -> None:
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(0, 1, (5, 20)), random.normal(0, 9, (15, 20))])
    distances = figure20.pairwise_distances(list(points[:, None]))
    labels = ["faces"] * 5 + ["a"] * 5 + ["b"] * 5 + ["c"] * 5
    found: dict[str, Any] = {check.statement: check for check in figure20.checks(distances, labels)}
    chance = found["chance of as close a group of pictures, whatever they show"]
    assert chance.measured == pytest.approx(1 / 15504, abs=3e-4)
    assert judge(tuple(found.values())) == HOLDS
    dealt = figure20.checks(distances, labels[::-1])
    assert judge(dealt) == FAILS


def test_distances_are_those_of_the_definition() -> None:
    latents = list(np.random.default_rng(1).normal(size=(4, 3, 5)).astype(np.float32))
    distances = figure20.pairwise_distances(latents)
    for i, a in enumerate(latents):
        for j, b in enumerate(latents):
            assert distances[i, j] == pytest.approx(np.linalg.norm(a - b), abs=1e-5)
