"""Figure 10: the loss against the steps, by class."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import CONVERGED_AFTER
from benchmarks.paper.outcome import Curves, Findings, Table
from benchmarks.paper.pictures.collection import FACES
from benchmarks.paper.studies.common import by_class, chance_checks
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels

_LEFT = 0.05  # of the whole drop that may remain at convergence
_POINTS = 120  # of a drawn curve


def converged_after(curve: Pixels) -> int:
    """Steps until all but a twentieth of a curve's drop is done, for good."""
    remaining = (curve - curve[-1]) / max(float(curve[0] - curve[-1]), 1e-12)
    above = np.flatnonzero(remaining > _LEFT)
    return int(above[-1]) + 1 if len(above) else 0


def checks(steps: Mapping[str, float]) -> tuple[Check, ...]:
    """Whether faces converge before all others, and paintings after the paper's other classes."""
    others = {label: count for label, count in steps.items() if label != FACES}
    first = min(others, key=lambda label: others[label])
    found = [Check("faces: steps to convergence", steps[FACES], "<", others[first], f"of {first}")]
    rest = {label: count for label, count in others.items() if label in CONVERGED_AFTER and label != "paintings"}
    if "paintings" in others and rest:
        last = max(rest, key=lambda label: rest[label])
        found.append(Check("paintings: steps to convergence", others["paintings"], ">", rest[last], f"of {last}"))
    return tuple(found)


def measure(lab: Lab, _album: Album) -> Findings:
    """Mean curves of the classes."""
    lab.classes_beside_faces()
    pictures, embedded = lab.collection.pictures, lab.embed(lab.standard())
    grouped = by_class(pictures, embedded)
    curves = {label: _mean_curve(items) for label, items in grouped.items()}
    steps = {label: float(converged_after(curve)) for label, curve in curves.items()}
    table = Table(
        "Steps until 95 % of the drop is done (the paper's: until convergence, of 5000)",
        ("", "paper: steps", "paper: share of all", "steps", "share of all"),
        tuple(
            (label, CONVERGED_AFTER.get(label), _share(CONVERGED_AFTER.get(label)), count, count / lab.settings.steps)
            for label, count in steps.items()
        ),
    )
    places = np.unique(np.linspace(0, len(next(iter(curves.values()))) - 1, _POINTS).astype(int))
    drawn = Curves(
        "Mean loss of each class before each step",
        "step",
        "loss (Eq. 1)",
        tuple(float(place) for place in places),
        {label: [float(curve[place]) for place in places] for label, curve in curves.items()},
        logarithmic=True,
    )
    own = [float(converged_after(item.latent.curve[:, 0])) for item in embedded]
    found = (*checks(steps), *chance_checks("a number of steps", own, [p.label == FACES for p in pictures]))
    return Findings(found, (table,), (drawn,))


def _mean_curve(items: Sequence[Embedded]) -> Pixels:
    return np.asarray(np.mean([item.latent.curve[:, 0] for item in items], axis=0, dtype=np.float64))


def _share(steps: int | None) -> float | None:
    return None if steps is None else steps / 5000


STUDY = Study(
    "figure10",
    "How many steps",
    ("Figure 10",),
    "The loss of faces falls quickest (1000 steps), that of cats, dogs and cars more slowly (3000), that of paintings "
    "slowest (5000).",
    Lab.standard,
    measure,
)
