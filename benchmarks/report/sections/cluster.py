"""A cluster's workers: measured on one machine, and simulated for many."""

from collections.abc import Iterable

from benchmarks.report.document import Block, Cell, Paragraph, Section
from benchmarks.report.numbers import Text, in_unit
from benchmarks.report.sections.common import Sources, remarks, rows_table
from benchmarks.report.source import Entry, Source

Rows = Iterable[tuple[Source, tuple[Cell, ...]]]
_FIGURES = ("rate", "speed-up", "efficiency")
_HEADS = ("", "a worker", "handing out", "placing", "64 of the journal")
_PARTS = ("worker", "send", "place", "commit")


def cluster_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("cluster") for source in sources):
        return None
    entries = [(source, entry) for source in sources for entry in source.entries("cluster", "speed-up")]
    lead = Paragraph((
        "All workers of a measured row share the cores of one machine, so that their efficiency falls once these are "
        "busy. Simulated rows take a worker as fast as the first row’s for each machine, and the driver’s costs as "
        "they were measured here.",
    ))  # fmt: skip
    rows: Rows = ((source, (entry.text("variant"), entry.text("model"), *_numbers(entry))) for source, entry in entries)
    parts: Rows = (
        (source, (entry.text("model"), *(entry.number(part) for part in _PARTS)))
        for source in sources
        for entry in source.entries("cluster", "send")
    )
    ends: Rows = (
        (source, (entry.text("model"), Text(entry.row.notes[0], f"{entry.place}.notes[0]")))
        for source, entry in entries
        if entry.case.variant.startswith("64 ") and entry.row.notes
    )
    blocks: list[Block] = [
        lead,
        *rows_table("Workers", ("", "model", "images a second", "speed-up", "efficiency"), rows, sources),
        *rows_table("What a picture costs", _HEADS, parts, sources),
        *rows_table("Where it would end", ("", ""), ends, sources),
    ]
    return Section("On a cluster", "cluster", (*blocks, *remarks(sources, "cluster")))


def _numbers(entry: Entry) -> tuple[Cell, ...]:
    return tuple(in_unit(entry.number(name), "") if name == "rate" else entry.number(name) for name in _FIGURES)
