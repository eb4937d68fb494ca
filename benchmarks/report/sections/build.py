"""Engines: how long they take to export and build, and how large they are."""

from benchmarks.report.document import Cell, Section
from benchmarks.report.numbers import Text
from benchmarks.report.sections.common import Sources, remarks, rows_table, variant
from benchmarks.report.source import Entry

_FIGURES = ("export", "build", "size")


def build_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("build") for source in sources):
        return None
    rows = (
        (source, (Text(variant(entry.case)), entry.text("model"), *(_cell(entry, name) for name in _FIGURES)))
        for source in sources
        for entry in source.entries("build", "size")
    )
    tables = rows_table("Engines", ("", "model", "export and check", "build", "size"), rows, sources)
    return Section("Building engines", "build", (*tables, *remarks(sources, "build")))


def _cell(entry: Entry, figure: str) -> Cell:
    return entry.number(figure) if entry.has(figure) else None
