"""The opening: the paper's seven minutes, what is left of them, and how near the machine's floor that is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.document import Block, Cell, Dot, DotPlot, Measured, Paragraph, Part, Section, Table
from benchmarks.report.numbers import PAPER_NUMBERS, Number, Text, derived, in_unit
from benchmarks.report.sections.common import Sources, machine, series_name, variant, warnings
from benchmarks.report.source import Entry, Source
from benchmarks.speed.beside import VARIANT
from benchmarks.speed.schema import Case

NOT_A_STEP = ("baseline", "engine gradient", VARIANT)  # what the best step is compared with, not chosen from
_PAPER_LABEL = "the paper, on a V100"


@dataclass(frozen=True)
class Budget:
    """One machine's account.

    Attributes:
        best: the fastest step of one image.
        floor: of a step in the best one's precision.
        fast: the fast schedule's row, of whichever model was embedded.
    """

    source: Source
    best: Entry
    floor: Entry | None
    fast: Entry | None

    @property
    def step(self) -> Number:
        """Milliseconds of the best step."""
        return self.best.number("time")

    @property
    def whole(self) -> Number:
        """Seconds of the paper's number of steps."""
        return derived("seconds of so many steps", self.step, PAPER_NUMBERS["steps"])

    @property
    def gain(self) -> Number:
        """How many times faster than the paper's a step is."""
        return derived("times", PAPER_NUMBERS["step"], self.step)

    @property
    def distance(self) -> Number | None:
        """How many times the floor a step takes."""
        return None if self.floor is None else derived("times", self.step, self.floor.number("time"))


def budget_section(sources: Sources) -> Section:
    """The budget of the largest model that was stepped, which is the paper's where it has its resolution."""
    steps = [entry for source in sources for entry in source.entries("step", "time", _single)]
    if not steps:
        return Section("The budget", "budget", (_nothing(), *warnings(sources, "step")))
    largest = max(entry.case.resolution for entry in steps)
    model = next(entry.case.model for entry in steps if entry.case.resolution == largest)
    budgets = [budget for source in sources if (budget := account(source, model)) is not None]
    blocks: list[Block] = [_lead(budget) for budget in budgets]
    blocks += [*warnings(sources, "step"), _table(budgets, sources), _plot(sources, model)]
    return Section("The budget", "budget", tuple(blocks))


def account(source: Source, model: str) -> Budget | None:
    """A machine's budget for a model; None when it was not stepped there."""
    steps = source.entries("step", "time", lambda case: _single(case) and case.model == model)
    ours = [entry for entry in steps if entry.case.variant not in NOT_A_STEP]
    if not ours:
        return None
    best = min(ours, key=lambda entry: entry.number("time").value)
    floors = source.entries("machine", "time", lambda case: (case.variant, case.model) == ("step floor", model))
    same = [entry for entry in floors if entry.case.precision == best.case.precision]
    fast = source.entries("embed", "time", lambda case: case.variant == "fast")
    chosen = [entry for entry in fast if entry.case.model == model] or fast
    return Budget(source, best, next(iter(same), None), next(iter(chosen), None))


def _single(case: Case) -> bool:
    return case.batch == 1


def _nothing() -> Paragraph:
    parts: tuple[Part, ...] = (
        "No step of a single image was measured. The paper’s took ", PAPER_NUMBERS["step"], ", its ",
        PAPER_NUMBERS["steps"], " took ", PAPER_NUMBERS["seconds"], " on a V100.",
    )  # fmt: skip
    return Paragraph(parts, "lead")


def _lead(budget: Budget) -> Paragraph:
    best = budget.best
    parts: list[Part] = [
        "On ", machine(budget.source), " a step at ",
        in_unit(best.resolution(), "pixels"), " takes ", budget.step, "; the paper’s took ", PAPER_NUMBERS["step"],
        ". Its ", PAPER_NUMBERS["steps"], " are done in ", budget.whole, " instead of ", PAPER_NUMBERS["seconds"], ".",
    ]  # fmt: skip
    if budget.fast is not None:
        parts += [" On ", budget.fast.text("model"), " the fast schedule reaches the loss of the paper’s in "]
        parts += [budget.fast.number("time"), "."]
    if budget.floor is not None and budget.distance is not None:
        parts += [" This machine could not do a step in less than ", budget.floor.number("time"), ": we take "]
        parts += [budget.distance, " that."]
    return Paragraph(tuple(parts), "lead")


def _table(budgets: list[Budget], sources: Sources) -> Table:
    def row(name: str, paper: Cell, *ours: Cell) -> tuple[Cell, ...]:
        return (name, paper, *ours)

    rows = (
        row("model", "FFHQ", *(budget.best.text("model") for budget in budgets)),
        row("variant", "–", *(Text(variant(budget.best.case)) for budget in budgets)),
        row("a step", PAPER_NUMBERS["step"], *(budget.best.measured("time") for budget in budgets)),
        row("the paper’s schedule", PAPER_NUMBERS["seconds"], *(budget.whole for budget in budgets)),
        row(_fast_label(budgets), None, *(_fast(budget) for budget in budgets)),
        row("floor of a step on this machine", None, *(_floor(budget) for budget in budgets)),
        row("a step over that floor", None, *(budget.distance for budget in budgets)),
        row("a step against the paper’s", None, *(budget.gain for budget in budgets)),
        row("peak memory of a step", None, *(_memory(budget) for budget in budgets)),
    )
    names = [budget.source.name if len(sources) > 1 else "this machine" for budget in budgets]
    return Table("One image, against the paper’s seven minutes", ("", _PAPER_LABEL, *names), rows)


def _fast_label(budgets: Sequence[Budget]) -> str:
    """Label with the models that were embedded to the end, which on a CPU are the small ones."""
    models = dict.fromkeys(budget.fast.case.model for budget in budgets if budget.fast is not None)
    return "the fast schedule, to the same loss" + (f" ({', '.join(models)})" if models else "")


def _fast(budget: Budget) -> Cell:
    return None if budget.fast is None else budget.fast.measured("time")


def _floor(budget: Budget) -> Cell:
    return None if budget.floor is None else budget.floor.number("time")


def _memory(budget: Budget) -> Cell:
    case = budget.best.case
    found = budget.source.entries("step", "peak_memory", lambda other: other == case)
    return derived("gigabytes", found[0].number("peak_memory")) if found else None


def _plot(sources: Sources, model: str) -> DotPlot:
    return DotPlot(
        title=f"Milliseconds a step, {model}, one image",
        description="Every variant of the step, the paper’s time, and the least that this machine could take.",
        axis="ms a step (logarithmic)",
        dots=(*_dots(sources, model),),
    )


def _dots(sources: Sources, model: str) -> Iterator[Dot]:
    name = series_name(sources[0], sources)
    yield Dot(_PAPER_LABEL, "the paper" if name else "", Measured(PAPER_NUMBERS["step"]), reference=True)
    for source in sources:
        wanted = source.entries("step", "time", lambda case: _single(case) and case.model == model)
        for entry in sorted(wanted, key=lambda entry: -entry.number("time").value):
            yield Dot(variant(entry.case), series_name(source, sources), entry.measured("time"))
    for source in sources:
        floors = source.entries("machine", "time", lambda case: (case.variant, case.model) == ("step floor", model))
        for entry in floors:
            floor = Measured(entry.number("time"))
            yield Dot(f"floor {entry.case.precision}", series_name(source, sources), floor, reference=True)
