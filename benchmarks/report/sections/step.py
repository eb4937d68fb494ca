"""The step in all its variants: time by model and batch, gains from alternated pairs, memory."""

from benchmarks.report.document import Block, Cell, Dot, DotPlot, Measured, Section, Table
from benchmarks.report.numbers import Text, derived
from benchmarks.report.sections.common import Sources, dots, models_in, remarks, rows_table, variant
from benchmarks.report.source import Entry


def step_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("step") for source in sources):
        return None
    blocks: list[Block] = []
    for model, _ in models_in(sources, "step", "time"):
        blocks += _plots(sources, model)
        blocks += gains(sources, "step", model)
    return Section("The step", "step", (*blocks, *memory_table(sources, "step"), *remarks(sources, "step")))


def _plots(sources: Sources, model: str) -> list[DotPlot]:
    """One file: a plot with a series a batch size, by image; several: a plot a batch size, with a series a file."""
    batches = sorted({e.case.batch for s in sources for e in s.entries("step", "time") if e.case.model == model})
    if len(sources) > 1:
        return [
            _plot(f"{model}, batch of {n}", "ms a step", tuple(dots(sources, "step", "time", model, n)))
            for n in batches
        ]
    marks = []
    for batch in batches:
        for entry in sources[0].entries("step", "time"):
            if (entry.case.model, entry.case.batch) != (model, batch):
                continue
            number = derived("per image", entry.number("time"), entry.batch(), unit="ms")
            marks.append(Dot(variant(entry.case), f"batch of {batch}", Measured(number)))
    return [_plot(f"{model}, by image and step", "ms an image", tuple(marks))]


def _plot(title: str, axis: str, marks: tuple[Dot, ...]) -> DotPlot:
    return DotPlot(title, f"Median times of {title}.", f"{axis} (logarithmic)", marks)


def gains(sources: Sources, suite: str, model: str) -> list[Table]:
    """How many times faster one variant is than another, as measured in pairs."""
    rows = (
        (source, (Text(variant(ratio.faster)), Text(variant(ratio.slower)), entry.batch(), entry.measured()))
        for source in sources
        for entry in source.ratios(suite)
        for ratio in [entry.ratio]
        if ratio.faster.model == model
    )
    heads = ("", "against", "batch", "times faster")
    return rows_table(f"{model}: gains, from pairs measured in turn", heads, rows, sources)


def memory_table(sources: Sources, suite: str) -> list[Table]:
    """Peak memory by case."""
    rows = ((s, _memory(entry)) for s in sources for entry in s.entries(suite, "peak_memory"))
    heads = ("", "variant", "batch", "at the peak", "an image", "ready after")
    return rows_table(
        "Peak memory with libraries and model, and time until the first call is done", heads, rows, sources
    )


def _memory(entry: Entry) -> tuple[Cell, ...]:
    peak, image = (derived("gigabytes", entry.number(name)) for name in ("peak_memory", "peak_per_image"))
    ready = entry.number("first") if entry.has("first") else None
    return entry.text("model"), Text(variant(entry.case)), entry.batch(), peak, image, ready
