"""What the sections share: names of cases, remarks about noise and about what was not measured."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.report.document import Block, Cell, Dot, Paragraph, Part, Table
from benchmarks.report.numbers import Number, Text
from benchmarks.report.source import Source
from benchmarks.speed.load import NOISY
from benchmarks.speed.schema import Case

Sources = Sequence[Source]


def variant(case: Case) -> str:
    """How a case is computed, such as `compiled bf16`."""
    return f"{case.variant} {case.precision}"


def machine(source: Source) -> Text:
    """The GPU that was measured, or the CPU."""
    environment = source.results.environment
    name = environment.gpu.partition(",")[0] if environment.device != "cpu" else environment.cpu
    return Text(name, source.environment)


def series_name(source: Source, sources: Sources) -> str:
    """A file's name where there are several, nothing where there is one."""
    return source.name if len(sources) > 1 else ""


def models_in(sources: Sources, suite: str, figure: str) -> list[tuple[str, int]]:
    """Names and resolutions of the models that a suite measured, the largest first."""
    cases = (entry.case for source in sources for entry in source.entries(suite, figure))
    found = dict.fromkeys((case.model, case.resolution) for case in cases)
    return sorted(found, key=lambda model: -model[1])


def dots(sources: Sources, suite: str, figure: str, model: str, batch: int) -> Iterator[Dot]:
    """A mark for every variant in which a suite measured a model at a batch size."""
    for source in sources:
        wanted = source.entries(suite, figure, lambda case: (case.model, case.batch) == (model, batch))
        for entry in wanted:
            yield Dot(variant(entry.case), series_name(source, sources), entry.measured(figure))


def rows_table(
    caption: str, heads: tuple[Part, ...], rows: Iterable[tuple[Source, tuple[Cell, ...]]], sources: Sources
) -> list[Table]:
    """A table with a column for the file where there are several; no table without rows."""
    several = len(sources) > 1
    cells = tuple((*row, *((Text(source.name),) if several else ())) for source, row in rows)
    return [Table(caption, (*heads, *(("file",) if several else ())), cells)] if cells else []


def remarks(sources: Sources, suite: str) -> list[Block]:
    """Warnings about a suite, and what it left out."""
    return [*warnings(sources, suite), *omissions(sources, suite)]


def warnings(sources: Sources, suite: str) -> list[Block]:
    """What makes a suite's figures doubtful."""
    return [note for source in sources for note in _warnings(source, suite, series_name(source, sources))]


def omissions(sources: Sources, suite: str) -> list[Block]:
    """What a suite left out, and why."""
    rows = tuple(
        (Text(skip.what, f"{place}[{i}].what"), Text(skip.reason, f"{place}[{i}].reason"))
        for source in sources
        for place, skipped in [(f"{source.place(suite)}.skipped", source.skipped(suite))]
        for i, skip in enumerate(skipped)
    )
    return [Table("Not measured", ("", "why"), rows)] if rows else []


def _warnings(source: Source, suite: str, name: str) -> Iterator[Paragraph]:
    found = source.suite(suite)
    if found is None:
        return
    whose = f"{name}: " if name else ""
    if found.status != "complete":
        status = Text(found.status, f"{source.place(suite)}.status")
        yield Paragraph((f"{whose}the suite {suite} did not run to its end (", status, ")."), "warning")
    if found.quick:
        yield Paragraph((f"{whose}the suite {suite} was a trial run of few repetitions.",), "warning")
    busiest = _busiest(source, suite)
    if busiest.value > NOISY:
        words = (f"{whose}other processes kept up to ", busiest, f" busy during {suite}: its times are too long.")
        yield Paragraph(words, "warning")


def _busiest(source: Source, suite: str) -> Number:
    found = source.suite(suite)
    place = source.place(suite)
    loads = [(row.other_load, f"{place}.rows[{i}].other_load") for i, row in enumerate(found.rows if found else ())]
    before = (found.load if found else 0.0, f"{place}.load")
    load, where = max([before, *loads])
    return Number(load, "CPU cores", (where,))
