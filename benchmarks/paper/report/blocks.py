"""Verdicts, checks and tables as parts of a page."""

from collections.abc import Sequence
from math import isfinite

from benchmarks.paper.outcome import Cell, Outcome, Table
from benchmarks.paper.study import Study
from benchmarks.paper.verdict import FAILS, HOLDS, Check, Verdict
from benchmarks.report.numbers import Number
from benchmarks.report.page import table_markup
from benchmarks.report.svg import Markup, join, number_markup, tag

_MARKS = {HOLDS: "✓", FAILS: "✗"}
_PAPER = "paper: "


def badge(verdict: Verdict) -> Markup:
    """The verdict, by word and mark as well as by colour."""
    kind = {HOLDS: "holds", FAILS: "fails"}.get(verdict, "open")
    return tag("span", f"{_MARKS.get(verdict, '–')} {verdict}", class_=f"verdict {kind}")


def summary_table(outcomes: Sequence[tuple[Study, Outcome]]) -> Markup:
    """One row a study."""
    rows = [
        (tag("a", study.title, href=f"#{study.name}"), ", ".join(study.shows), badge(outcome.verdict), outcome.reason)
        for study, outcome in outcomes
    ]
    heads = ("", "in the paper", "verdict", "because")
    return table_markup("The claims and what became of them", heads, rows, (None, "words", "words", "words why"))


def checks_table(name: str, checks: Sequence[Check]) -> Markup:
    """The comparisons that a claim rests on."""
    rows = [_check_cells(check, f"{name}.checks[{i}]") for i, check in enumerate(checks)]
    kinds = (None, None, "words", None, "mark-cell")
    return table_markup("The measured figures that test the claim", ("", "measured", "must be", "", ""), rows, kinds)


def _check_cells(check: Check, origin: str) -> Sequence[object]:
    return (
        check.statement,
        _number(check.measured, check.unit, f"{origin}.measured"),
        {"<": "below", ">": "above"}[check.relation],
        join(_number(check.bound, check.unit, f"{origin}.bound"), *_name(check)),
        _MARKS[HOLDS if check.holds else FAILS],
    )


def _name(check: Check) -> list[Markup]:
    return [join(" "), tag("small", check.bound_name)] if check.bound_name else []


def findings_table(table: Table, origin: str) -> Markup:
    """A study's own table; the paper's columns are set apart."""
    kinds = [_kind(table, column) for column in range(len(table.heads))]
    rows = [
        (row[0], *(_cell(cell, f"{origin}.rows[{i}][{j}]") for j, cell in enumerate(row[1:], 1)))
        for i, row in enumerate(table.rows)
    ]
    return table_markup(table.caption, table.heads, rows, kinds)


def _kind(table: Table, column: int) -> str | None:
    """The paper's numbers are set apart, words flush left."""
    if table.heads[column].startswith(_PAPER):
        return "from-paper"
    return "words" if any(isinstance(row[column], str) for row in table.rows) else None


def _cell(cell: Cell, origin: str) -> Markup:
    if cell is None:
        return tag("span", "–", class_="nothing")
    return join(cell) if isinstance(cell, str) else _number(cell, "", origin)


def _number(value: float, unit: str, origin: str) -> Markup:
    if not isfinite(value):
        return tag("span", "not a number", class_="nothing")
    return number_markup(Number(value, unit, (origin,)))


def counted(outcomes: Sequence[tuple[Study, Outcome]]) -> str:
    """How many claims came to what."""
    verdicts = [outcome.verdict for _, outcome in outcomes]
    parts = (f"{verdicts.count(verdict)} {_plural(verdict)}" for verdict in dict.fromkeys(sorted(verdicts)))
    return f"{len(verdicts)} claims of the paper: {', '.join(parts)}" if verdicts else "no claims yet"


def _plural(verdict: Verdict) -> str:
    return {HOLDS: "hold", FAILS: "do not hold"}.get(verdict, "cannot be tested with this model")
