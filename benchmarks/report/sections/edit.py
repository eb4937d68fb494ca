"""The editing pipeline against the engine alone."""

from dataclasses import replace

from benchmarks.report.document import Block, Cell, DotPlot, Section, Table
from benchmarks.report.numbers import Text, derived
from benchmarks.report.sections.common import Sources, dots, models_in, remarks, rows_table, variant
from benchmarks.report.source import Entry
from benchmarks.speed.pipelines import ALONE, PIPELINE


def edit_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("edit") for source in sources):
        return None
    blocks: list[Block] = [
        DotPlot(
            title=f"{model}: pictures a second, from latents to files and by the engine alone",
            description=f"Throughput of the editing pipeline on {model} beside the engine's own.",
            axis="images a second",
            dots=tuple(dots(sources, "edit", "rate", model, batch)),
            logarithmic=False,
        )
        for model, _ in models_in(sources, "edit", "rate")
        for batch in sorted({e.case.batch for s in sources for e in s.entries("edit", "rate") if e.case.model == model})
    ]
    return Section("Editing in batches", "edit", (*blocks, *_parts(sources), *remarks(sources, "edit")))


def _parts(sources: Sources) -> list[Table]:
    rows = (
        (source, _part(entry, alone))
        for source in sources
        for alone in source.entries("edit", "rate", lambda case: case.variant.endswith(ALONE))
        for entry in source.entries("edit", "rate", lambda case: case.variant.endswith(PIPELINE))
        if entry.case == replace(alone.case, variant=alone.case.variant.removesuffix(ALONE) + PIPELINE)
    )
    heads = ("", "variant", "batch", "of the engine’s rate")
    return rows_table("What the pipeline keeps of the engine’s rate", heads, rows, sources)


def _part(entry: Entry, alone: Entry) -> tuple[Cell, ...]:
    kept = derived("part", entry.number("rate"), alone.number("rate"))
    return entry.text("model"), Text(variant(entry.case)), entry.batch(), kept
