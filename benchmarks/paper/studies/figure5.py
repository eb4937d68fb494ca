"""Figures 5 and 14: embedding into W and into W+, with trained and with random weights."""

from collections.abc import Mapping

from benchmarks.metrics import explained, psnr
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Row, Table
from benchmarks.paper.studies.common import mean_error
from benchmarks.paper.study import Study
from benchmarks.paper.task import RANDOM, Embedded, Task
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels

W_RANDOM_WEIGHTS, W_MEAN, W_RANDOM = "W, random weights", "W, from the mean", "W, from a random latent"
PLUS_RANDOM_WEIGHTS, PLUS_MEAN, PLUS_RANDOM = "W+, random weights", "W+, from the mean", "W+, from a random latent"
COLUMNS = (W_RANDOM_WEIGHTS, W_MEAN, W_RANDOM, PLUS_RANDOM_WEIGHTS, PLUS_MEAN, PLUS_RANDOM)
_UNREASONABLE = 2.0  # times the error of W+


def checks(errors: Mapping[str, float]) -> tuple[Check, ...]:
    """Whether W fails where W+ does not, and random weights fail in both; from mean squared errors by column."""
    return (
        Check("error in W against W+, from the mean latent", errors[W_MEAN] / errors[PLUS_MEAN], ">", _UNREASONABLE),
        Check("error in W against W+, from a random latent", errors[W_RANDOM] / errors[PLUS_RANDOM], ">",
              _UNREASONABLE),
        Check("W: error with random weights", errors[W_RANDOM_WEIGHTS], ">", errors[W_MEAN], "with trained ones"),
        Check("W+: error with random weights", errors[PLUS_RANDOM_WEIGHTS], ">", errors[PLUS_MEAN],
              "with trained ones"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """The first picture of each class, column by column."""
    return [task for column in COLUMNS for task in _column(lab, column)]


def _column(lab: Lab, column: str) -> list[Task]:
    def make(picture: Pixels) -> Task:
        task = lab.task(
            picture,
            space="w" if column.startswith("W,") else "w+",
            init="random" if column.endswith("a random latent") else "mean",
        )
        return Task(task.picture, task.options, network=RANDOM) if column.endswith("weights") else task

    return [make(picture.pixels) for picture in lab.collection.firsts()]


def measure(lab: Lab, album: Album) -> Findings:
    """Mean squared errors over the pictures."""
    pictures = lab.collection.firsts()
    embedded = lab.embed(tasks(lab))
    count = len(pictures)
    columns = {name: embedded[i * count : (i + 1) * count] for i, name in enumerate(COLUMNS)}
    errors = {name: mean_error(pictures, items) for name, items in columns.items()}
    rows = [[p.pixels, *(columns[name][i].picture for name in COLUMNS)] for i, p in enumerate(pictures)]
    heads = ("picture", *(name.replace("from a random latent", "random").replace("from the ", "") for name in COLUMNS))
    media = album.sheet("spaces", "Spaces, starting points and weights", rows, columns=heads)
    return Findings(checks(errors), (_table(lab, columns),), media=(media,))


def _table(lab: Lab, columns: Mapping[str, list[Embedded]]) -> Table:
    pictures = lab.collection.firsts()
    rows: tuple[Row, ...] = tuple(
        (name, *(psnr(item.picture, p.pixels) for p, item in zip(pictures, items, strict=True)),
         sum(explained(i.picture, p.pixels) for p, i in zip(pictures, items, strict=True)) / len(pictures))
        for name, items in columns.items()
    )  # fmt: skip
    heads = ("", *(f"{picture.label}: PSNR (dB)" for picture in pictures), "explained, mean")
    return Table("How near the embedded pictures come", heads, rows)


STUDY = Study(
    "figure5",
    "Which latent space",
    ("Figure 5", "Figure 14"),
    "Pictures embed into W+ but not into W, and only with trained weights.",
    tasks,
    measure,
)
