"""How time and memory grow with the picture's size and with the batch."""

from collections.abc import Callable

from benchmarks.report.document import Block, LineChart, Measured, Section, Series
from benchmarks.report.numbers import Number, derived
from benchmarks.report.sections.common import Sources, remarks, series_name, variant
from benchmarks.report.source import Entry

Place = Callable[[Entry], Number]
Value = Callable[[Entry], Measured]


def scaling_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("scaling") for source in sources):
        return None

    def memory(entry: Entry) -> Measured:
        return Measured(derived("gigabytes", entry.number("peak_memory")))

    def time(entry: Entry) -> Measured:
        return entry.measured("time")

    blocks: list[Block | None] = [
        _chart(sources, "time", "Time against resolution", "pixels a side", "ms", _by_resolution, time),
        _chart(sources, "time", "Time against batch", "batch", "ms", _by_batch, time),
        _chart(sources, "peak_memory", "Memory against resolution", "pixels a side", "GB", _by_resolution, memory),
        _chart(sources, "peak_memory", "Memory against batch", "batch", "GB", _by_batch, memory),
    ]
    drawn = tuple(block for block in blocks if block is not None)
    return Section("Scaling", "scaling", (*drawn, *remarks(sources, "scaling")))


def _by_resolution(entry: Entry) -> Number | None:
    return entry.resolution() if entry.case.batch == 1 else None


def _by_batch(entry: Entry) -> Number | None:
    return entry.batch()


def _chart(
    sources: Sources,
    figure: str,
    title: str,
    x_axis: str,
    y_axis: str,
    place: Callable[[Entry], Number | None],
    value: Value,
) -> LineChart | None:
    """Lines of those variants that have two points at least; None without any.

    Against the batch every model has its line; against the resolution every variant has.
    """
    lines: dict[str, list[tuple[Number, Measured]]] = {}
    for source in sources:
        for entry in source.entries("scaling", figure):
            x = place(entry)
            if x is not None:
                model = entry.case.model if place is _by_batch else ""
                name = " ".join(filter(None, (variant(entry.case), model, series_name(source, sources))))
                lines.setdefault(name, []).append((x, value(entry)))
    series = tuple(
        Series(name, tuple(sorted(points, key=lambda point: point[0].value)))
        for name, points in lines.items()
        if len({x.value for x, _ in points}) > 1
    )
    description = f"{title}, a line for each variant."
    return LineChart(title, description, x_axis, y_axis, series, (True, figure == "time")) if series else None
