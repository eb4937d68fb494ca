"""The paper's videos: random walks from an embedded face and an embedded car to the mean face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics import mean_square
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Curves, Findings
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels
from i2s_trt.edit.operations import random_walk

_FRAMES = 64
_SHOWN = 8
_FALLS = -0.5  # rank correlation with the way gone
_PREFERRED = "cars"


@dataclass(frozen=True)
class Walk:
    """One walk.

    Attributes:
        label: the class it starts from.
        pictures: uint8 [H, W, 3].
        distances: of each picture from the model's samples.
        miss: rms difference of the last picture from the mean face, of 255.
    """

    label: str
    pictures: list[Pixels]
    distances: list[float]
    miss: float


def checks(walks: Sequence[Walk]) -> tuple[Check, ...]:
    """Whether walks arrive, and pictures become more like the model's on the way."""
    return (
        *(Check(f"{walk.label}: difference of the last picture from the mean face, of 255", walk.miss, "<", 1.0)
          for walk in walks),
        *(Check(f"{walk.label}: correlation of the distance from the model's samples with the way gone",
                rank_correlation(walk.distances), "<", _FALLS) for walk in walks),
    )  # fmt: skip


def rank_correlation(values: Sequence[float]) -> float:
    """Spearman's, with the values' order."""
    ranks = np.argsort(np.argsort(values))
    return float(np.corrcoef(np.arange(len(values)), ranks)[0, 1])


def tasks(lab: Lab) -> list[Task]:
    """One face and one picture of another class."""
    return [lab.task(picture.pixels) for picture in _pictures(lab)]


def measure(lab: Lab, album: Album) -> Findings:
    """Walks as videos."""
    embedded = lab.embed(tasks(lab))
    walks = [_walk(lab, picture.label, item) for picture, item in zip(_pictures(lab), embedded, strict=True)]
    videos = [album.video(walk.label, f"From {walk.label} to the mean face", walk.pictures) for walk in walks]
    places = np.linspace(0, _FRAMES - 1, _SHOWN).astype(int)
    strips = album.sheet(
        "walks", "Pictures on the way", [[walk.pictures[i] for i in places] for walk in walks],
        labels=[walk.label for walk in walks],
    )  # fmt: skip
    xs = tuple(float(value) for value in np.linspace(0, 1, _FRAMES))
    drawn = Curves("Distance from the model's samples (theirs = 1)", "way gone", "distance", xs,
                   {walk.label: walk.distances for walk in walks})  # fmt: skip
    return Findings(checks(walks), curves=(drawn,), media=(strips, *videos))


def _walk(lab: Lab, label: str, item: Embedded) -> Walk:
    positions = np.linspace(0, 1, _FRAMES)
    seed = lab.settings.seed
    points = [random_walk(item.w_plus, lab.mean_w_plus, float(position), seed=seed) for position in positions]
    pictures = [np.asarray(lab.render(point[None])[0]) for point in points]
    distances = [lab.likeness.distance(picture) for picture in pictures]
    return Walk(label, pictures, distances, float(np.sqrt(mean_square(pictures[-1], lab.mean_picture))))


def _pictures(lab: Lab) -> list[Picture]:
    others = lab.classes_beside_faces()
    return [lab.faces(1)[0], lab.collection.of(_PREFERRED if _PREFERRED in others else others[0])[0]]


STUDY = Study(
    "walks",
    "Random walks to the mean face",
    ("Videos",),
    "A random walk from an embedded face or car reaches the mean face through pictures ever more like faces.",
    tasks,
    measure,
)
