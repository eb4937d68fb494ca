"""The machine: what it is, what it can do in a second, and how everything was measured."""

from collections.abc import Callable
from functools import partial

from benchmarks.report.document import Cell, Paragraph, Section, Table
from benchmarks.report.numbers import Number, Text
from benchmarks.report.sections.common import Sources, remarks, rows_table
from benchmarks.report.source import Entry, Source

_METHOD = (
    "Every contender is warmed up, then all take turns round by round, in an order that reverses each time; ratios are "
    "of the two times within a round. Shown are medians with quartiles. A GPU is timed by CUDA events, anything that "
    "ends in host memory by the monotonic clock. Peak memory is that of a fresh process. The load of other processes "
    "is watched all the while. The floor of a step adds up, layer by layer, whichever takes longer at the measured "
    "rates: its operations, or its traffic if everything is fused perfectly."
)


def machine_section(sources: Sources) -> Section:
    """Environment, rates and method."""
    return Section(
        "The machine",
        "machine",
        (_environment(sources), *_rates(sources), *_floors(sources), *remarks(sources, "machine"),
         Paragraph(("How it was measured. ", _METHOD))),
    )  # fmt: skip


def _environment(sources: Sources) -> Table:
    numbers = {"cores": "", "threads": "", "memory_gib": "GiB"}
    words = ("device", "cpu", "gpu", "driver", "system", "python", "instructions")
    packages = dict.fromkeys(name for source in sources for name in source.results.environment.packages)
    lines: dict[str, Callable[[Source], Cell]] = {
        **{name: partial(_words, name=name) for name in words},
        **{name.removesuffix("_gib"): partial(_number, name=name, unit=unit) for name, unit in numbers.items()},
        **{name: partial(_package, name=name) for name in packages},
        "measured with": _versions,
    }
    rows = tuple((name, *map(cell, sources)) for name, cell in lines.items())
    heads = ("", *(source.name for source in sources))
    return Table("Hardware and software", heads, rows)


def _words(source: Source, name: str) -> Text:
    value = getattr(source.results.environment, name)
    return Text(", ".join(value) if isinstance(value, tuple) else value or "–", f"{source.environment}.{name}")


def _number(source: Source, name: str, unit: str) -> Number:
    return Number(getattr(source.results.environment, name), unit, (f"{source.environment}.{name}",))


def _package(source: Source, name: str) -> Text:
    return Text(source.results.environment.packages.get(name, "–"), f"{source.environment}.packages.{name}")


def _versions(source: Source) -> Text:
    return Text(", ".join(dict.fromkeys(f"i2s-trt {suite.version}" for suite in source.results.suites.values())))


def _rates(sources: Sources) -> list[Table]:
    rows = (
        (source, (Text(_rate_name(entry)), entry.measured("rate"), Text(", ".join(entry.row.notes))))
        for source in sources
        for entry in source.entries("machine", "rate")
    )
    return rows_table("What it can do in a second", ("", "rate", "with"), rows, sources)


def _rate_name(entry: Entry) -> str:
    if entry.case.variant == "copy":
        return "memory copied"
    return f"{'matrices' if entry.case.variant == 'product' else 'convolutions'} {entry.case.precision}"


def _floors(sources: Sources) -> list[Table]:
    rows = ((source, _costs(entry)) for source in sources for entry in source.entries("machine", "time"))
    return rows_table("Floors of one image", ("", "operations", "traffic", "floor"), rows, sources)


def _floor_name(entry: Entry) -> str:
    return f"{entry.case.variant}, {entry.case.model}, {entry.case.precision}"


def _costs(entry: Entry) -> tuple[Cell, ...]:
    return Text(_floor_name(entry)), entry.number("work"), entry.number("traffic"), entry.number("time")
