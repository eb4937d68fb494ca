"""Lets several variants of a computation take turns, and reports every one of them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.speed.bench import Bench, Produced, one_line
from benchmarks.speed.clock import latency_figures, median_figure, rate_figure, ratio_figure
from benchmarks.speed.contender import Contender, Prepared, Turn
from benchmarks.speed.schema import Case, Figure, Progress, Ratio, Row, Skip
from i2s_trt.errors import I2sError
from i2s_trt.process import Child, OutOfTime

_MARGIN = 1.2  # of the estimated time
_GRACE = 10.0  # seconds by which the last round may overrun
_PATIENCE = 0.5  # of the time that is left, for one contender to become ready
# Seconds of a contest on a GPU, whose steps take milliseconds: ten go by until all its processes have loaded PyTorch,
# compiled their kernels and tried the libraries' (an H200 with 16 cores), twice that beside a slower processor.
LEAST_ON_GPU = 40.0


@dataclass(frozen=True)
class Terms:
    """How contenders are compared.

    Attributes:
        seconds: to be spent on the rounds, if the deadline allows.
        least, most: rounds; every contender has its turn in each.
        against: variants that the others are compared with; the first is compared with nothing itself.
        latency: whether percentiles are wanted.
    """

    seconds: float = 10.0
    least: int = 5
    most: int = 100
    against: tuple[str, ...] = ()
    latency: bool = False


@dataclass
class _Runner:
    """A contender's process and what it has reported so far."""

    contender: Contender
    child: Child
    first: float
    each: float
    turns: list[Turn] = field(default_factory=list)


def compare(bench: Bench, contenders: Sequence[Contender], terms: Terms) -> Produced:
    """Rows of all contenders and ratios among them.

    One that fails, or is too slow for the time that is left, becomes a `Skip`; the others go on without it.
    """
    if bench.left() <= 0:
        yield Skip(", ".join(label(contender.case) for contender in contenders), "the time budget was spent before")
        return
    runners: list[_Runner] = []
    try:
        yield Progress(f"preparing {', '.join(c.case.variant for c in contenders)}", 0, len(contenders) + 1)
        for done, (contender, started) in enumerate(_start_all(bench, contenders), start=1):
            if isinstance(started, Skip):
                yield started
                continue
            runners.append(started)
            yield Progress(f"{label(contender.case)} is ready", done, len(contenders) + 1)
        yield from _dismiss(bench, runners, terms)
        if runners:
            yield Progress("rounds", len(contenders), len(contenders) + 1)
            yield from _rounds(bench, runners, terms)
    finally:
        for runner in runners:
            runner.child.close()


def _start_all(bench: Bench, contenders: Sequence[Contender]) -> Iterator[tuple[Contender, _Runner | Skip]]:
    """Started one after the other on a CPU, where they would hinder each other; all together where a GPU computes."""
    with ThreadPoolExecutor(len(contenders) if bench.on_gpu else 1) as pool:
        yield from zip(contenders, pool.map(lambda contender: _start(bench, contender), contenders), strict=True)


def _start(bench: Bench, contender: Contender) -> _Runner | Skip:
    """Build a contender; what it raises becomes the reason for leaving it out."""
    child = contender.start()
    try:
        prepared: Prepared = child.ask(bench.until(bench.left() * _PATIENCE).deadline)
    except OutOfTime:
        child.close()
        return Skip(label(contender.case), "it was not ready when half of the contest's time was over")
    except I2sError as error:
        child.close()
        return Skip(label(contender.case), one_line(error))
    return _Runner(contender, child, prepared.first, prepared.each)


def _dismiss(bench: Bench, runners: list[_Runner], terms: Terms) -> Iterator[Skip]:
    """Take out the slowest until the least number of rounds fits into the time that is left."""
    least = bench.rounds(terms.least)
    while runners and (needed := least * sum(r.each for r in runners) / 1e3 * _MARGIN) > bench.left():
        slowest = max(runners, key=lambda runner: runner.each)
        runners.remove(slowest)
        slowest.child.close()
        reason = (
            f"{least} rounds with {slowest.each / 1e3:.1f} s of it in each do not fit: {needed:.0f} s would be needed, "
            f"{max(0.0, bench.left()):.0f} s are left of the time budget"
        )
        yield Skip(label(slowest.contender.case), reason)


def _rounds(bench: Bench, runners: list[_Runner], terms: Terms) -> Iterator[Row | Ratio | Skip]:
    """The order reverses from round to round, so that no drift favours anybody."""
    least, begun = bench.rounds(terms.least), time.monotonic()
    for number in range(least if bench.quick else terms.most):
        if number >= least and time.monotonic() - begun >= min(terms.seconds, bench.left()):
            break
        for runner in runners[::-1] if number % 2 else list(runners):
            failure = _turn(runner, bench.deadline + _GRACE)
            if failure is not None:
                runners.remove(runner)
                runner.child.close()
                yield failure
    for runner in runners:
        yield Row(runner.contender.case, _figures(runner, terms), _load(runner), runner.contender.notes)
    yield from _ratios({runner.contender.case: runner.turns for runner in runners}, terms.against)


def _turn(runner: _Runner, deadline: float) -> Skip | None:
    """Let a contender have its turn; the reason if it fails."""
    try:
        runner.turns.append(runner.child.ask(deadline))
    except OutOfTime:
        return Skip(label(runner.contender.case), "the time budget ended during its rounds")
    except I2sError as error:
        return Skip(label(runner.contender.case), one_line(error))
    return None


def _figures(runner: _Runner, terms: Terms) -> dict[str, Figure]:
    samples = [sample for turn in runner.turns for sample in turn.samples]
    batch, peak = runner.contender.case.batch, runner.turns[-1].peak
    images = runner.contender.images or batch
    return {
        "time": median_figure(samples),
        "rate": rate_figure(samples, images),
        **(latency_figures(samples) if terms.latency else {}),
        "first": Figure(runner.first, "s"),
        "peak_memory": Figure(peak, "MiB"),
        "peak_per_image": Figure(peak / batch, "MiB"),
    }


def _load(runner: _Runner) -> float:
    return max(turn.other_load for turn in runner.turns)


def _ratios(turns: Mapping[Case, Sequence[Turn]], against: Sequence[str]) -> Iterator[Ratio]:
    medians = {case: [turn.median for turn in taken] for case, taken in turns.items()}
    references = [case for name in against for case in medians if (case.variant, case.precision) == (name, "fp32")]
    for slower in references:
        for faster, times in medians.items():
            if faster != slower and faster.variant != against[0]:
                yield Ratio(faster, slower, ratio_figure(medians[slower], times))


def label(case: Case) -> str:
    """A case in a few words."""
    return f"{case.variant} {case.precision}, {case.model}, batch of {case.batch}"
