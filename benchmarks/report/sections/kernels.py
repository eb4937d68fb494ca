"""GPU kernels compiled ahead of time, and the step that follows from them: predictions, and marked as such."""

from collections.abc import Callable, Iterable

from benchmarks.report.document import Block, Cell, Paragraph, Section, Table
from benchmarks.report.numbers import Number, Text, derived, in_unit
from benchmarks.report.sections.common import Sources, omissions, rows_table, variant
from benchmarks.report.source import Entry, Source

_PARTS = ("convolutions", "layer epilogues", "other operations", "starts")
_WORST: dict[str, Callable[..., Entry]] = {"registers": max, "stack": max, "load": min, "occupancy": min}
_CAPTIONS = {
    "registers": "Registers of a thread",
    "stack": "Stack frame of a thread: none is as it should be",
    "load": "Widest load of a thread",
    "occupancy": "Occupancy: part of a multiprocessor’s warps that registers and shared memory leave room for",
}


def kernels_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("kernels") for source in sources):
        return None
    lead = Paragraph((
        "Nothing in this section was measured. The kernels were compiled for GPUs that were not there; times are "
        "computed from bytes, products and the rates that NVIDIA states, lowered by a tenth (memory) and a fifth "
        "(products). They are predictions, to be held against the first run on a card.",
    ))  # fmt: skip
    blocks: list[Block] = [lead, *_steps(sources), *(table for name in _WORST for table in _needs(sources, name))]
    return Section("GPU kernels, predicted", "kernels", (*blocks, *_layers(sources), *omissions(sources, "kernels")))


def _steps(sources: Sources) -> list[Table]:
    """The whole step by card, model and batch."""
    rows = (
        (source, (Text(variant(entry.case)), entry.text("model"), entry.batch(), *_times(entry), *_count(entry)))
        for source in sources
        for entry in source.entries("kernels", "kernels")
    )
    heads = ("", "model", "batch", "predicted", *_PARTS, "kernels", "")
    return rows_table("A step, by what takes its time", heads, rows, sources)


def _times(entry: Entry) -> tuple[Number, ...]:
    return tuple(entry.number(name) for name in ("time", *_PARTS))


def _count(entry: Entry) -> tuple[Cell, Cell]:
    """How many kernels start, and what takes most, which is the row's last note."""
    last = len(entry.row.notes) - 1
    return in_unit(entry.number("kernels"), ""), Text(entry.row.notes[last], f"{entry.place}.notes[{last}]")


def _needs(sources: Sources, figure: str) -> list[Table]:
    """A figure of every kernel and architecture, the worst of its tiles."""
    rows = [(source, _needs_row(entries, figure)) for source in sources for entries in _kernels(source)]
    heads = ("", *_architectures(sources))
    return rows_table(_CAPTIONS[figure], heads, rows, sources)


def _kernels(source: Source) -> list[list[Entry]]:
    """The rows of machine code by kernel and bits."""
    groups: dict[tuple[str, bool], list[Entry]] = {}
    for entry in source.entries("kernels", "registers"):
        groups.setdefault((_kernel(entry), entry.case.precision == "fp32"), []).append(entry)
    return [groups[key] for key in sorted(groups)]


def _needs_row(entries: list[Entry], figure: str) -> tuple[Cell, ...]:
    bits = "32 bits" if entries[0].case.precision == "fp32" else "16 bits"
    by_architecture = {name: [e for e in entries if _architecture(e) == name] for name in _known(entries)}
    cells = (_worst(own, figure) for own in by_architecture.values())
    return Text(f"{_kernel(entries[0])}, {bits}"), *cells


def _worst(entries: list[Entry], figure: str) -> Cell:
    if not entries:
        return None
    number = _WORST[figure](entries, key=lambda entry: entry.number(figure).value).number(figure)
    return in_unit(number, "") if number.unit == "register" else number


def _known(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(_architecture(entry) for entry in entries))


def _architectures(sources: Sources) -> list[str]:
    return _known(entry for source in sources for entry in source.entries("kernels", "registers"))


def _kernel(entry: Entry) -> str:
    """The kernel's name in `activate with blur 16x64, sm90`."""
    return entry.case.variant.rsplit(" ", 2)[0]


def _architecture(entry: Entry) -> str:
    return entry.case.variant.rsplit(", ", 1)[1]


def _layers(sources: Sources) -> list[Table]:
    """Bytes and least times of every layer's epilogue, forward and back."""
    tables: list[Table] = []
    models = dict.fromkeys(e.case.model for s in sources for e in s.entries("kernels", "traffic"))
    for model in models:
        entries = [(s, e) for s in sources for e in s.entries("kernels", "traffic") if e.case.model == model]
        cards = [name for name in entries[0][1].row.figures if name.startswith("time ")]
        rows = ((source, _layer_row(entry, cards)) for source, entry in entries)
        heads = ("", "moves", *(card.removeprefix("time ") for card in cards))
        tables += rows_table(f"{model}: a layer’s epilogue, forward and back, by its bytes alone", heads, rows, sources)
    return tables


def _layer_row(entry: Entry, cards: Iterable[str]) -> tuple[Cell, ...]:
    return Text(variant(entry.case)), entry.number("traffic"), *(_microseconds(entry, card) for card in cards)


def _microseconds(entry: Entry, figure: str) -> Number:
    return derived("microseconds", entry.number(figure))
