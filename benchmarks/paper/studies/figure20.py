"""Figure 20: distances between embeddings, within classes and between them."""

from collections.abc import Sequence
from math import comb

import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, HeatMap, Table
from benchmarks.paper.pictures.collection import FACES
from benchmarks.paper.study import Study
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.arrays import Pixels

_DRAWS = 10_000
_CHANCE = 0.01


def pairwise_distances(latents: Sequence[Pixels]) -> Pixels:
    """||w_i - w_j|| over all of W+, [N, N], of latents [L, D]."""
    rows = np.stack([latent.ravel() for latent in latents]).astype(np.float64)
    squares = np.square(rows).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)))


def checks(distances: Pixels, labels: Sequence[str]) -> tuple[Check, ...]:
    """Whether faces form the closest group, closer than chance would have it.

    Args:
        distances: [N, N].
        labels: the class of each row.
    """
    names = np.array(labels)
    groups = {label: np.flatnonzero(names == label) for label in dict.fromkeys(labels)}
    within = {label: _mean_within(distances, rows) for label, rows in groups.items() if len(rows) > 1}
    others = {label: value for label, value in within.items() if label != FACES}
    nearest = np.argsort(distances + np.diag(np.full(len(names), np.inf)), axis=1)[:, 0]
    faces = np.flatnonzero(names == FACES)
    closest = min(others, key=lambda label: others[label])
    found = [
        Check("mean distance among faces", within[FACES], "<", others[closest], f"among {closest}"),
        Check("share of faces whose nearest neighbour is a face", float(np.mean(names[nearest[faces]] == FACES)), ">",
              0.99),
    ]  # fmt: skip
    if comb(len(names), len(faces)) > 1 / _CHANCE:
        chance = _chance(distances, len(faces), within[FACES])
        found.append(Check("chance of as close a group of pictures, whatever they show", chance, "<", _CHANCE))
    return tuple(found)


def measure(lab: Lab, _album: Album) -> Findings:
    """Distances between the standard embeddings."""
    _check_classes(lab)
    labels = [picture.label for picture in lab.collection.pictures]
    distances = pairwise_distances([item.w_plus for item in lab.embed(lab.standard())])
    table = _between(distances, labels, lab.typical_distance)
    shown = tuple(tuple(round(float(value), 4) for value in row) for row in distances / lab.typical_distance)
    heat = HeatMap("Distances, that of the model's samples to the mean = 1", tuple(labels), shown)
    return Findings(checks(distances, labels), (table,), heat_maps=(heat,))


def _check_classes(lab: Lab) -> None:
    large = [label for label in lab.classes_beside_faces() if len(lab.collection.of(label)) > 1]
    if not large or len(lab.collection.of(FACES)) < 2:
        raise NotTestableError("distances within a class take two pictures of faces and of another class")


def _mean_within(distances: Pixels, rows: Pixels) -> float:
    """Mean over the pairs of at least two pictures."""
    inner = distances[np.ix_(rows, rows)]
    return float(inner[np.triu_indices(len(rows), 1)].mean())


def _chance(distances: Pixels, size: int, close: float) -> float:
    """Share of random groups of that size that are as close."""
    random = np.random.default_rng(0)
    order = random.random((_DRAWS, len(distances))).argsort(axis=1)[:, :size]
    sums = distances[order[:, :, None], order[:, None, :]].sum(axis=(1, 2)) / (size * (size - 1))
    return float(np.mean(sums <= close * (1 + 1e-9)))


def _between(distances: Pixels, labels: Sequence[str], unit: float) -> Table:
    names = list(dict.fromkeys(labels))
    rows_of = {name: np.flatnonzero(np.array(labels) == name) for name in names}

    def mean(a: str, b: str) -> float | None:
        if a == b:
            return _mean_within(distances, rows_of[a]) / unit if len(rows_of[a]) > 1 else None
        return float(distances[np.ix_(rows_of[a], rows_of[b])].mean()) / unit

    rows = tuple((a, *(mean(a, b) for b in names)) for a in names)
    return Table("Mean distances within and between classes, the samples' to the mean = 1", ("", *names), rows)


STUDY = Study(
    "figure20",
    "Clustering or scattering",
    ("Figure 20",),
    "Only faces form a cluster in W+: they lie closer to each other than the pictures of any other class.",
    Lab.standard,
    measure,
)
