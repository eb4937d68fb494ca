"""Rendering: images a second and latency of every engine."""

from collections.abc import Iterable

from benchmarks.report.document import Block, Dot, DotPlot, LineChart, Measured, Section, Series, Table
from benchmarks.report.numbers import Number, Text
from benchmarks.report.sections.common import Sources, models_in, remarks, series_name, variant
from benchmarks.report.sections.step import gains
from benchmarks.report.source import Entry, Source

_PERCENTILES = ("p50", "p90", "p99")
_FAR = 20


def synthesis_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("synthesis") for source in sources):
        return None
    blocks: list[Block] = []
    for model, _ in models_in(sources, "synthesis", "rate"):
        blocks += [_throughput(sources, model), _latency(sources, model), _table(sources, model)]
        blocks += gains(sources, "synthesis", model)
    return Section("Rendering", "synthesis", (*blocks, *remarks(sources, "synthesis")))


def _throughput(sources: Sources, model: str) -> Block:
    """Lines over the batch size, or one dot plot where only one size was measured."""
    lines: dict[str, list[tuple[Number, Measured]]] = {}
    for source, entry in _entries(sources, model):
        name = " ".join(filter(None, (variant(entry.case), series_name(source, sources))))
        lines.setdefault(name, []).append((entry.batch(), entry.measured("rate")))
    if all(len(points) == 1 for points in lines.values()):
        marks = tuple(Dot(name, "", points[0][1]) for name, points in lines.items())
        return DotPlot(
            f"{model}: throughput", f"Pictures a second of {model}.", "images a second", marks, logarithmic=False
        )
    return LineChart(
        title=f"{model}: throughput",
        description=f"Pictures of {model} a second against the batch size, one line an engine.",
        x_axis="batch",
        y_axis="images a second",
        series=tuple(Series(name, tuple(points)) for name, points in lines.items()),
        logarithmic=(True, _far_apart(lines.values())),
    )


def _far_apart(lines: Iterable[list[tuple[Number, Measured]]]) -> bool:
    """Whether a linear axis would press the slowest flat, as it does beside another machine."""
    rates = [rate.number.value for points in lines for _, rate in points]
    return max(rates) > _FAR * min(rates)


def _latency(sources: Sources, model: str) -> DotPlot:
    marks = [
        Dot(_name(entry, sources, source.name), percentile, Measured(entry.number(percentile)))
        for source, entry in _entries(sources, model)
        if entry.case.batch == 1
        for percentile in _PERCENTILES
        if entry.has(percentile)
    ]
    return DotPlot(
        title=f"{model}: latency of one picture",
        description=f"Percentiles of the time of one call that renders one picture of {model}.",
        axis="ms (logarithmic)",
        dots=tuple(marks),
    )


def _table(sources: Sources, model: str) -> Table:
    rows = tuple(
        (
            Text(_name(entry, sources, source.name)), entry.batch(), entry.measured("rate"),
            *(entry.number(name) if entry.has(name) else None for name in _PERCENTILES),
        )
        for source, entry in _entries(sources, model)
    )  # fmt: skip
    return Table(f"{model}: engines", ("", "batch", "throughput", *_PERCENTILES), rows)


def _name(entry: Entry, sources: Sources, name: str) -> str:
    return f"{variant(entry.case)} {name}" if len(sources) > 1 else variant(entry.case)


def _entries(sources: Sources, model: str) -> list[tuple[Source, Entry]]:
    return [(s, e) for s in sources for e in s.entries("synthesis", "rate", lambda case: case.model == model)]
