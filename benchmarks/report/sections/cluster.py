"""A cluster's workers: measured on one machine, and simulated for many."""

from collections.abc import Iterable, Iterator

from benchmarks.report.document import Block, Cell, LineChart, Measured, Paragraph, Section, Series
from benchmarks.report.numbers import Number, Text, in_unit
from benchmarks.report.sections.common import Sources, remarks, rows_table, series_name
from benchmarks.report.source import Entry, Source
from benchmarks.speed.cluster_costs import STAGES
from benchmarks.speed.cluster_rows import GIVEN_BACK, SHARED

Point = tuple[Number, Measured]
Rows = Iterable[tuple[Source, tuple[Cell, ...]]]
_FIGURES = ("rate", "speed-up", "efficiency")
_HEADS = (
    "", "a worker", "handing out", "the shared disk", "the network", "placing", "writing instead", "64 of the journal"
)  # fmt: skip
_CHARTS = (
    ("speed-up", "Speed-up against workers", "times as fast as one", True),
    ("efficiency", "Efficiency against workers", "% of what one does", False),
)
_KINDS = {GIVEN_BACK: "simulated, sent to the driver"}
_BUSY = "busy "
_PARTS = ("worker", "send", "disk", "network", "place", "write", "commit")


def cluster_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("cluster") for source in sources):
        return None
    entries = [(source, entry) for source in sources for entry in source.entries("cluster", "speed-up")]
    lead = Paragraph((
        "All workers of a measured row share the cores of one machine, so that their efficiency falls once these are "
        "busy. Simulated rows take a worker as fast as the first row’s for each machine, or a GPU as fast as the file "
        "says that is named with it, and the driver’s and the disk’s costs as they were measured here.",
    ))  # fmt: skip
    rows: Rows = ((source, (entry.text("variant"), entry.text("model"), *_numbers(entry))) for source, entry in entries)
    parts: Rows = (
        (source, (entry.text("model"), *(_part(entry, part) for part in _PARTS)))
        for source in sources
        for entry in source.entries("cluster", "send")
    )
    ends: Rows = (
        (source, (entry.text("model"), Text(_kind(entry)), _note(entry, 0), _note(entry, 1)))
        for source, entry in entries
        if entry.case.variant.startswith("64 ") and entry.row.notes
    )
    blocks: list[Block] = [
        lead,
        *rows_table("Where it would end", ("", "", "", "where a GPU’s time is from"), ends, sources),
        *(_chart(sources, *words) for words in _CHARTS if _lines(sources, words[0])),
        *_busy(sources),
        *rows_table("Workers", ("", "model", "images a second", "speed-up", "efficiency"), rows, sources),
        *rows_table("What a picture costs", _HEADS, parts, sources),
    ]
    return Section("On a cluster", "cluster", (*blocks, *remarks(sources, "cluster")))


def _numbers(entry: Entry) -> tuple[Cell, ...]:
    return tuple(in_unit(entry.number(name), "") if name == "rate" else entry.number(name) for name in _FIGURES)


def _kind(entry: Entry) -> str:
    _, _, how = entry.case.variant.partition(", ")
    return _KINDS.get(how, how) or "measured"


def _note(entry: Entry, number: int) -> Cell:
    notes = entry.row.notes
    return Text(notes[number], f"{entry.place}.notes[{number}]") if number < len(notes) else Text("–")


def _part(entry: Entry, part: str) -> Cell:
    """A cost; an older file has not all of them."""
    return entry.number(part) if part in entry.row.figures else Text("–")


def _workers(entry: Entry) -> Number:
    return in_unit(entry.number("workers"), "")


def _chart(sources: Sources, figure: str, title: str, axis: str, logarithmic: bool) -> LineChart:
    said = f"{title}: measured on one machine, and simulated with one machine for each worker."
    lines = tuple(Series(name, tuple(points)) for name, points in _lines(sources, figure).items())
    return LineChart(title, said, "workers", axis, lines, (True, logarithmic))


def _lines(sources: Sources, figure: str) -> dict[str, list[Point]]:
    """A line for what was measured with each model, and one for what was simulated; the points by workers."""
    lines: dict[str, list[Point]] = {}
    for source in sources:
        for entry in source.entries("cluster", "workers"):
            name = " ".join(filter(None, (entry.case.model, _kind(entry), series_name(source, sources))))
            lines.setdefault(name, []).append((_workers(entry), entry.measured(figure)))
    return {name: sorted(points, key=lambda point: point[0].value) for name, points in lines.items()}


def _busy(sources: Sources) -> Iterator[LineChart]:
    """What would hold the others up: the part of the simulated time that each stage is busy."""
    for source in sources:
        found = source.entries("cluster", f"{_BUSY}{STAGES[0]}")
        for model, kind in dict.fromkeys((entry.case.model, _kind(entry)) for entry in found):
            entries = [entry for entry in found if (entry.case.model, _kind(entry)) == (model, kind)]
            about = "" if kind == SHARED else f"({kind})"
            title = " ".join(filter(None, ("How busy each part is with", model, about, series_name(source, sources))))
            series = tuple(
                Series(stage, tuple((_workers(one), one.measured(_BUSY + stage)) for one in entries))
                for stage in STAGES
                if any(_BUSY + stage in one.row.figures and one.row.figures[_BUSY + stage].value for one in entries)
            )
            said = f"{title}: each stage's part of the simulated time; whatever comes to 100 % holds up the rest."
            yield LineChart(title, said, "workers, simulated", "% of the time", series)
