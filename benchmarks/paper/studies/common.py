"""What several studies do alike."""

from collections.abc import Mapping, Sequence
from math import comb
from statistics import fmean

import numpy as np

from benchmarks.metrics import mean_square
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import PAPER_UNIT, Figures
from benchmarks.paper.outcome import Cell, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.task import Embedded
from benchmarks.paper.verdict import Check

COMPARED = ("paper: loss (10⁵)", "paper: distance", "loss (10⁵)", "distance", "distance, model's samples = 1")

CHANCE = 0.05
_DRAWS = 10_000


def mean_figures(embedded: Sequence[Embedded]) -> Figures:
    """Mean loss and distance."""
    return Figures(fmean(item.loss for item in embedded), fmean(item.latent.distance for item in embedded))


def compared_table(caption: str, lab: Lab, paper: Mapping[str, Figures], ours: Mapping[str, Figures]) -> Table:
    """Our losses and distances beside the paper's."""
    rows = tuple((name, *_paper_cells(paper.get(name)), *_our_cells(lab, figures)) for name, figures in ours.items())
    return Table(caption, ("", *COMPARED), rows)


def _paper_cells(figures: Figures | None) -> tuple[Cell, ...]:
    return (None, None) if figures is None else (figures.loss, figures.distance)


def _our_cells(lab: Lab, figures: Figures) -> tuple[Cell, ...]:
    return figures.loss / PAPER_UNIT, figures.distance, figures.distance / lab.typical_distance


def by_class(pictures: Sequence[Picture], embedded: Sequence[Embedded]) -> dict[str, list[Embedded]]:
    """Embeddings in the order of the classes."""
    found: dict[str, list[Embedded]] = {}
    for picture, item in zip(pictures, embedded, strict=True):
        found.setdefault(picture.label, []).append(item)
    return found


def mean_error(pictures: Sequence[Picture], embedded: Sequence[Embedded]) -> float:
    """Mean squared difference between embedded pictures and their targets."""
    return fmean(mean_square(item.picture, p.pixels) for p, item in zip(pictures, embedded, strict=True))


def chance_checks(statement: str, values: Sequence[float], members: Sequence[bool]) -> tuple[Check, ...]:
    """Whether a class's values are lower than chance would have them; nothing where there are too few pictures.

    Args:
        statement: what the values are.
        values: one a picture.
        members: whether the picture is of the class.
    """
    numbers, chosen = np.array(values, np.float64), np.array(members)
    size = int(chosen.sum())
    if comb(len(numbers), size) <= 2 / CHANCE:
        return ()
    order = np.random.default_rng(0).random((_DRAWS, len(numbers))).argsort(axis=1)[:, :size]
    low = numbers[order].mean(axis=1) <= numbers[chosen].mean() * (1 + 1e-9)
    return (
        Check(f"chance of as low {statement} in as many pictures, whatever they show", float(low.mean()), "<", CHANCE),
    )
