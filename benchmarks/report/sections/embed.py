"""The schedules: loss against time and steps, and what the fast one saves."""

from benchmarks.report.document import Block, Cell, LineChart, Measured, Section, Series, Table
from benchmarks.report.numbers import Text
from benchmarks.report.sections.common import Sources, models_in, remarks, rows_table, series_name, variant
from benchmarks.report.sections.step import gains
from benchmarks.report.source import CurveEntry, Entry

_AXES = {"s": "seconds", "step": "steps"}


def embed_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("embed") for source in sources):
        return None
    blocks: list[Block] = []
    for model, _ in models_in(sources, "embed", "loss"):
        blocks += _table(sources, model)
        blocks += [chart for axis in _AXES if (chart := _curves(sources, model, axis)) is not None]
        blocks += gains(sources, "embed", model)
    return Section("Schedules", "embed", (*blocks, *remarks(sources, "embed")))


def _table(sources: Sources, model: str) -> list[Table]:
    rows = (
        (source, _line(entry))
        for source in sources
        for entry in source.entries("embed", "loss", lambda case: case.model == model)
    )
    heads = ("", "time", "steps", "loss", "")
    return rows_table(f"{model}: to the loss where the paper’s schedule ends", heads, rows, sources)


def _line(entry: Entry) -> tuple[Cell, ...]:
    figures = (_cell(entry, name) for name in ("time", "steps", "loss"))
    return Text(_name(entry)), *figures, Text(", ".join(entry.row.notes))


def _cell(entry: Entry, figure: str) -> Cell:
    return entry.number(figure) if entry.has(figure) else None


def _name(entry: Entry | CurveEntry) -> str:
    case = entry.case if isinstance(entry, Entry) else entry.curve.case
    return f"{variant(case)} schedule"


def _curves(sources: Sources, model: str, axis: str) -> LineChart | None:
    series = []
    for source in sources:
        for entry in source.curves("embed"):
            if entry.curve.case.model == model and axis in entry.curve.columns and entry.curve.points:
                name = " ".join(filter(None, (variant(entry.curve.case), series_name(source, sources))))
                points = tuple((x, Measured(y)) for x, y in entry.points(axis, "loss") if x.value > 0)
                series.append(Series(name, points))
    if not series:
        return None
    title = f"{model}: loss against {_AXES[axis]}"
    return LineChart(title, f"{title}, one line a schedule.", _AXES[axis], "loss", tuple(series))
