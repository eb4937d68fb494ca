"""Figures 4 and 15: morphs between faces, within another class, and between classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np

from benchmarks.metrics import contour_likeness
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Row, Table
from benchmarks.paper.pictures.collection import FACES
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels
from i2s_trt.edit.operations import morph

WEIGHTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
_STAYS = 1.25  # times the ends' distance from the model's samples
_DIFFERS = 0.4  # of a factor whose range is 2
_SHARE = 0.75


@dataclass(frozen=True)
class Morph:
    """One morph.

    Attributes:
        kind: `faces`, another class, or `A to B`.
        pictures: uint8 [H, W, 3] each, from end to end.
        middle: mean distance of the pictures between from the model's samples (see `likeness`).
        ends: that of the ends.
        contours: how far the middle picture shares the contours of the ends' plain average.
        face: how far it shares the contours of the mean face.
        blend_face: how far that plain average does.
    """

    kind: str
    pictures: list[Pixels]
    middle: float
    ends: float
    contours: float
    face: float
    blend_face: float


def checks(morphs: Sequence[Morph]) -> tuple[Check, ...]:
    """Whether morphs between faces show faces, others lose their ends' contours, and mixed ones show a face."""
    faces = [m for m in morphs if m.kind == FACES]
    within = [m for m in morphs if m.kind != FACES and " to " not in m.kind]
    between = [m for m in morphs if " to " in m.kind]
    found = [
        Check("between faces: distance of what lies between from the model's samples, the ends' = 1",
              fmean(m.middle for m in faces) / fmean(m.ends for m in faces), "<", _STAYS),
    ]  # fmt: skip
    if within:
        found.append(
            Check("within other classes: likeness of the middle's contours to the ends'",
                  fmean(m.contours for m in within), "<", fmean(m.contours for m in faces), "between faces")
        )  # fmt: skip
    found.append(
        Check("between classes: contours that the middle shares with the mean face", fmean(m.face for m in between),
              ">", fmean(m.blend_face for m in between), "of the ends' plain average")
    )  # fmt: skip
    return tuple(found)


def measure(lab: Lab, album: Album) -> Findings:
    """Morphs of standard embeddings."""
    others = lab.classes_beside_faces()
    found = dict(zip((p.name for p in lab.collection.pictures), lab.embed(lab.standard()), strict=True))
    groups = {label: [found[p.name] for p in lab.collection.of(label)] for label in lab.collection.labels}
    faces = groups[FACES]
    morphs = [_morph(lab, FACES, a, b) for a, b in list(pairwise(faces))[:3]]
    morphs += [_morph(lab, label, *groups[label][:2]) for label in others if len(groups[label]) > 1]
    morphs += [_morph(lab, f"{label} to {FACES}", groups[label][0], faces[0]) for label in others]
    rows: list[Row] = [(m.kind, m.ends, m.middle, m.contours, m.face, m.blend_face) for m in morphs]
    heads = ("", "ends", "what lies between", "middle: the ends' contours", "middle: a face's contours",
             "plain average: a face's contours")  # fmt: skip
    caption = "Distance from the model's own samples (theirs = 1), and contours shared with the ends and the mean face"
    media = album.sheet(
        "morphs",
        "w = λ w₁ + (1 - λ) w₂, with λ above the columns",
        [m.pictures for m in morphs],
        labels=[m.kind for m in morphs],
        columns=[f"{weight:g}" for weight in WEIGHTS],
    )
    tables = [Table(caption, heads, tuple(rows))]
    found_checks = list(checks(morphs))
    if lab.knows_factors and len(faces) > 1:
        share = steady_share(lab, [m for m in morphs if m.kind == FACES])
        found_checks.append(
            Check("between faces: share of differing factors that change steadily from one to the other", share, ">",
                  _SHARE)
        )  # fmt: skip
    return Findings(tuple(found_checks), tuple(tables), media=(media,))


def steady_share(lab: Lab, morphs: Sequence[Morph]) -> float:
    """Share of the factors differing between the ends that move towards the other end at each step."""
    steady = []
    for item in morphs:
        for values in lab.read(item.pictures).values():
            whole = values[-1] - values[0]
            if abs(whole) > _DIFFERS:
                steady.append(bool((np.diff(values) * np.sign(whole) > -0.1 * abs(whole)).all()))
    return float(np.mean(steady)) if steady else float("nan")


def _morph(lab: Lab, kind: str, first: Embedded, last: Embedded) -> Morph:
    pictures = list(lab.render(np.stack([morph(first.w_plus, last.w_plus, weight) for weight in WEIGHTS])))
    blend = np.mean([pictures[0], pictures[-1]], axis=0).astype(np.uint8)
    middle = pictures[len(pictures) // 2]
    distance = lab.likeness.distance
    return Morph(
        kind,
        pictures,
        fmean(distance(picture) for picture in pictures[1:-1]),
        fmean((distance(pictures[0]), distance(pictures[-1]))),
        contour_likeness(middle, blend),
        contour_likeness(middle, lab.mean_picture),
        contour_likeness(blend, lab.mean_picture),
    )


STUDY = Study(
    "figure4",
    "Morphing",
    ("Figure 4", "Figure 15"),
    "Morphs between faces are faces; those between other pictures fail, and between classes contours of a face appear.",
    Lab.standard,
    measure,
)
