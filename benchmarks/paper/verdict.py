"""Checks and verdicts: a claim holds when each of its comparisons does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Relation = Literal["<", ">"]
Verdict = Literal["holds", "does not hold", "not testable with this model"]
HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
UNTESTABLE: Verdict = "not testable with this model"


class NotTestableError(Exception):
    """A claim that this model, or these pictures, cannot put to the test; says why."""


@dataclass(frozen=True)
class Check:
    """One comparison that a claim rests on.

    Attributes:
        statement: what is compared, in words.
        measured: the figure.
        relation: how it must lie to `bound`.
        bound: another figure, or a limit.
        bound_name: what `bound` is; empty for a limit.
        unit: of both.
    """

    statement: str
    measured: float
    relation: Relation
    bound: float
    bound_name: str = ""
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is so; a figure that is not a number never is."""
        return self.measured < self.bound if self.relation == "<" else self.measured > self.bound


def judge(checks: Sequence[Check]) -> Verdict:
    """`holds` when every check does. Raises ValueError without any: a claim must rest on something."""
    if not checks:
        raise ValueError("a claim without a check")
    return HOLDS if all(check.holds for check in checks) else FAILS


def reason_of(checks: Sequence[Check]) -> str:
    """What went against a claim, or how much carried it, in one line."""
    failing = [check for check in checks if not check.holds]
    if not failing:
        return f"all {len(checks)} checks" if len(checks) > 1 else "the one check"
    first, others = failing[0], len(failing) - 1
    rest = f"; {others} more of {len(checks)} checks fail" if others else ""
    return f"{first.statement}: {_words(first)}{rest}"


def _words(check: Check) -> str:
    if not math.isfinite(check.measured):
        return "not a number"
    wanted = "below" if check.relation == "<" else "above"
    named = f" {check.bound_name}" if check.bound_name else ""
    return f"{check.measured:.3g}{check.unit}, not {wanted} {check.bound:.3g}{check.unit}{named}"
