"""Figure 6: a picture embedded for its style alone, and lent to faces by crossover."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from benchmarks.metrics import contour_likeness
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.study import Study
from benchmarks.paper.styles import style_distances, style_objective
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.edit.operations import crossover

_KEEPS = 0.5  # correlation of the contours
_CONTENTS = 4
_PREFERRED = "paintings"


def checks(before: float, after: float, contours: float) -> tuple[Check, ...]:
    """Whether crossover brings the style and leaves the face.

    Args:
        before, after: style loss of the faces against the style picture, without and with the style's layers.
        contours: likeness of the faces' contours before and after.
    """
    return (
        Check("style loss of the faces with the style's upper layers", after, "<", before, "without"),
        Check("likeness of the faces' contours to those without", contours, ">", _KEEPS),
    )


def tasks(lab: Lab) -> list[Task]:
    """Faces as usual, styles by the style loss alone."""
    styles = [
        Task(style.pixels, lab.options(objective=style_objective(lab)), style=style.pixels) for style in _styles(lab)
    ]
    return [*styles, *(lab.task(face.pixels) for face in lab.faces(_CONTENTS))]


def measure(lab: Lab, album: Album) -> Findings:
    """Crossover of every face with every style."""
    styles = _styles(lab)
    embedded = lab.embed(tasks(lab))
    in_style, contents = embedded[: len(styles)], embedded[len(styles) :]
    plain = [content.picture for content in contents]
    rows, before, after, contours = [], [], [], []
    for style, item in zip(styles, in_style, strict=True):
        crossed = [crossover(content.w_plus, item.w_plus, lab.style_layers) for content in contents]
        mixed = list(lab.render(np.stack(crossed)))
        before += style_distances(lab, plain, style.pixels)
        after += style_distances(lab, mixed, style.pixels)
        contours += [contour_likeness(a, b) for a, b in zip(mixed, plain, strict=True)]
        rows.append([style.pixels, item.picture, *mixed])
    table = Table(
        "Means over faces and styles",
        ("", "style loss, without = 1", "contours shared with the face"),
        (("faces", 1.0, 1.0), ("with the style's upper layers", fmean(after) / fmean(before), fmean(contours))),
    )
    heads = ("style", "embedded", *(f"on face {i}" for i in range(1, len(contents) + 1)))
    media = album.sheet("styles", "Styles, their embeddings, and faces that take over their upper layers",
                        [[None, None, *plain], *rows], columns=heads)  # fmt: skip
    return Findings(checks(fmean(before), fmean(after), fmean(contours)), (table,), media=(media,))


def _styles(lab: Lab) -> Sequence[Picture]:
    labels = lab.classes_beside_faces()
    found = lab.collection.of(_PREFERRED if _PREFERRED in labels else labels[-1])[:2]
    if not found:
        raise NotTestableError("there are no pictures to take a style from")
    return found


STUDY = Study(
    "figure6",
    "Style transfer from a stylised embedding",
    ("Figure 6",),
    "The upper half of the layers of a picture embedded for its style lends that style to faces, which keep their "
    "structure.",
    tasks,
    measure,
)
