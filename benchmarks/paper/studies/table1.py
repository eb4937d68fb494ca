"""Table 1 and Figure 2: faces that are moved, scaled and turned."""

from collections.abc import Mapping
from statistics import fmean

import cv2
import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import FACE_STANDARD, STANDARD, TABLE_1, Figures
from benchmarks.paper.outcome import Findings
from benchmarks.paper.studies.common import compared_table, mean_figures
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels

_PAPER_SIZE = 1024  # pixels, in which the paper gives its translations


def transformed(picture: Pixels) -> dict[str, Pixels]:
    """The transformations of Table 1 of a picture uint8 [H, W, 3]; the edge is repeated where nothing is known."""
    height, width = picture.shape[:2]
    return {
        "translated right": _warp(picture, np.array([[1, 0, 140 * width / _PAPER_SIZE], [0, 1, 0]])),
        "translated left": _warp(picture, np.array([[1, 0, -160 * width / _PAPER_SIZE], [0, 1, 0]])),
        "zoomed out": _warp(picture, _turn(width, height, 0, 0.5)),
        "zoomed in": _warp(picture, _turn(width, height, 0, 2.0)),
        "rotated by 90°": _warp(picture, _turn(width, height, 90, 1.0)),
        "rotated by 180°": np.ascontiguousarray(picture[::-1, ::-1]),
    }


def checks(standard: Figures, moved: Mapping[str, Figures]) -> tuple[Check, ...]:
    """Whether the embedding is sensitive to affine transformations, translations most of all."""
    translations = [figures.loss for name, figures in moved.items() if name.startswith("translated")]
    others = [figures.loss for name, figures in moved.items() if not name.startswith("translated")]
    return (
        Check("mean loss over the transformations", fmean(figures.loss for figures in moved.values()), ">",
              standard.loss, "that of the faces as they are"),
        *(Check(f"{name}: distance to the mean latent", figures.distance, ">", standard.distance, "as they are")
          for name, figures in moved.items()),
        Check("mean loss of the translations", fmean(translations), ">", fmean(others), "of the others"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """Each face as it is, then transformed."""
    return [lab.task(pixels) for face in lab.faces() for pixels in (face.pixels, *transformed(face.pixels).values())]


def measure(lab: Lab, album: Album) -> Findings:
    """Means over the faces."""
    wanted = tasks(lab)
    embedded = lab.embed(wanted)
    names = (STANDARD, *TABLE_1)
    ours = {name: mean_figures(embedded[i :: len(names)]) for i, name in enumerate(names)}
    table = compared_table(
        "Loss after optimisation and distance to the mean latent", lab, {STANDARD: FACE_STANDARD, **TABLE_1}, ours
    )
    rows = []
    for start in range(0, len(wanted), len(names)):
        rows.append([task.picture for task in wanted[start : start + len(names)]])
        rows.append([item.picture for item in embedded[start : start + len(names)]])
    media = album.sheet("transformed", "Pictures above their embeddings", rows, columns=[_short(n) for n in names])
    note = "The paper shows one face, and does not say what fills the uncovered part; here the edge is repeated."
    moved = {name: ours[name] for name in TABLE_1}
    return Findings(checks(ours[STANDARD], moved), (table,), media=(media,), notes=(note,))


def _short(name: str) -> str:
    return name.replace("translated", "to the").replace("rotated by ", "").replace("to the right", "right").replace(
        "to the left", "left"
    )  # fmt: skip


def _turn(width: int, height: int, degrees: float, scale: float) -> Pixels:
    return np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale))


def _warp(picture: Pixels, matrix: Pixels) -> Pixels:
    size = (picture.shape[1], picture.shape[0])
    shrinks = abs(np.linalg.det(matrix[:, :2])) < 0.9
    source = cv2.GaussianBlur(picture, (0, 0), 0.8) if shrinks else picture  # against aliasing
    return np.asarray(cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


STUDY = Study(
    "table1",
    "Affine transformations of faces",
    ("Table 1", "Figure 2"),
    "The embedding is sensitive to affine transformations: moved faces end farther from the mean face with a larger "
    "loss, translated ones worst of all.",
    tasks,
    measure,
)
