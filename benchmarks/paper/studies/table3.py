"""Table 3 and Figure 3: faces without eyes, nose or mouth."""

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import STANDARD, TABLE_3, Figures
from benchmarks.paper.outcome import Findings, Row, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.regions import DEFECTS, FEATURES, difference, removed, restored
from benchmarks.paper.studies.common import compared_table, mean_figures
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels

_INDEPENDENT = 0.5  # of the change in the removed features themselves
_FACTORS = {
    "eyes": ("eye_open", "gaze", "brow_height", "brow_angle"),
    "mouth": ("smile", "mouth_open"),
}


def distance_checks(standard: Figures, damaged: Mapping[str, Figures]) -> tuple[Check, ...]:
    """Whether faces with defects lie farther from the mean face."""
    return tuple(
        Check(f"{name}: distance to the mean latent", figures.distance, ">", standard.distance, "of whole faces")
        for name, figures in damaged.items()
    )


def independence_checks(elsewhere: float, inside: float, to_defect: float, to_original: float) -> tuple[Check, ...]:
    """Whether other features stay as they were, and nothing is painted in.

    Args:
        elsewhere: change of the remaining features.
        inside: change of the removed ones.
        to_defect, to_original: difference of the embedding from the damaged and the whole picture in removed features.
    """
    return (
        Check("change of the remaining features, as a share of that in the removed ones", elsewhere / inside, "<",
              _INDEPENDENT),
        Check("removed features: difference from the damaged picture", to_defect, "<", to_original,
              "from the whole face"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """Each face whole, then with each defect."""
    return [
        lab.task(pixels)
        for face in lab.faces()
        for pixels in (face.pixels, *(removed(face.pixels, features) for features in DEFECTS.values()))
    ]


def measure(lab: Lab, album: Album) -> Findings:
    """Means over the faces."""
    wanted, names = tasks(lab), (STANDARD, *DEFECTS)
    embedded = lab.embed(wanted)
    columns = {name: embedded[i :: len(names)] for i, name in enumerate(names)}
    ours = {name: mean_figures(items) for name, items in columns.items()}
    tables = [compared_table("Loss after optimisation and distance to the mean latent", lab, TABLE_3, ours)]
    faces = lab.faces()
    figures = _independence(faces, columns)
    found = [
        *distance_checks(ours[STANDARD], {name: ours[name] for name in DEFECTS}),
        *independence_checks(*figures),
    ]
    tables.append(_changes(columns))
    if lab.knows_factors:
        shifts = _factor_shifts(lab, columns)
        tables.append(_factor_table(shifts))
        found += _factor_checks(lab, shifts)
    rows = []
    for start in range(0, len(wanted), len(names)):
        rows.append([task.picture for task in wanted[start : start + len(names)]])
        rows.append([item.picture for item in embedded[start : start + len(names)]])
    heads = ("whole", *(", ".join(features) for features in DEFECTS.values()))
    media = album.sheet("defects", "Pictures above their embeddings", rows, columns=heads)
    note = "The paper does not say how features were removed; here a grey box covers them."
    return Findings(tuple(found), tuple(tables), media=(media,), notes=(note,))


def _independence(
    faces: Sequence[Picture], columns: Mapping[str, Sequence[Embedded]]
) -> tuple[float, float, float, float]:
    elsewhere, inside, to_defect, to_original = [], [], [], []
    for name, gone in DEFECTS.items():
        for face, whole, item in zip(faces, columns[STANDARD], columns[name], strict=True):
            damaged = removed(face.pixels, gone)
            elsewhere += [difference(item.picture, whole.picture, f) for f in FEATURES if f not in gone]
            inside += [difference(item.picture, whole.picture, f) for f in gone]
            to_defect += [difference(item.picture, damaged, f) for f in gone]
            to_original += [difference(item.picture, face.pixels, f) for f in gone]
    return fmean(elsewhere), fmean(inside), fmean(to_defect), fmean(to_original)


def _changes(columns: Mapping[str, Sequence[Embedded]]) -> Table:
    rows: tuple[Row, ...] = tuple(
        (name, *(fmean(difference(item.picture, whole.picture, feature)
                       for item, whole in zip(columns[name], columns[STANDARD], strict=True))
                 for feature in FEATURES))
        for name in DEFECTS
    )  # fmt: skip
    return Table("Change of the embedding against the whole face's, by feature (rms, of 255)", ("", *FEATURES), rows)


def _factor_shifts(lab: Lab, columns: Mapping[str, Sequence[Embedded]]) -> dict[str, dict[str, float]]:
    """How far the factors of the remaining features move; the reader sees the removed ones as they were."""
    wholes = [item.picture for item in columns[STANDARD]]
    before = lab.read(wholes)
    shifts: dict[str, dict[str, float]] = {}
    for name, gone in DEFECTS.items():
        restored_pictures = [restored(i.picture, w, gone) for i, w in zip(columns[name], wholes, strict=True)]
        after = lab.read(restored_pictures)
        shifts[name] = {
            feature: fmean(_shift(before[factor], after[factor]) for factor in factors)
            for feature, factors in _FACTORS.items()
            if feature not in gone
        }
    return {name: row for name, row in shifts.items() if row}


def _shift(before: Pixels, after: Pixels) -> float:
    return float(np.mean(np.abs(after - before)))


def _factor_table(shifts: Mapping[str, Mapping[str, float]]) -> Table:
    rows = tuple((name, *(row.get(feature) for feature in _FACTORS)) for name, row in shifts.items())
    heads = ("", "eyes, gaze and brows", "smile and open mouth")
    return Table("How far the factors read off the remaining features move (their range is 2)", heads, rows)


def _factor_checks(lab: Lab, shifts: Mapping[str, Mapping[str, float]]) -> list[Check]:
    """Against the differences between people: a feature that moves by less than half of them is the same one."""
    reading = lab.read(lab.samples[:64])
    usual = {feature: fmean(float(np.std(reading[f])) for f in factors) for feature, factors in _FACTORS.items()}
    return [
        Check(f"{name}: factors of the {feature} move", moved, "<", 0.5 * usual[feature], "half of people's,")
        for name, row in shifts.items()
        for feature, moved in row.items()
    ]  # fmt: skip


STUDY = Study(
    "table3",
    "Faces with defects",
    ("Table 3", "Figure 3"),
    "Features are embedded independently of each other: without eyes, nose or mouth the others stay, nothing is "
    "painted in, and the embedding lies farther from the mean face.",
    tasks,
    measure,
)
