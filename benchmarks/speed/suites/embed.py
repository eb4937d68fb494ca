"""The schedules: the loss where the paper's ends, and what the fast one needs to get there."""

from collections.abc import Iterator

from benchmarks.speed.bench import Bench, Produced, one_line
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.schedules import FAST, PAPER, PRECISIONS_ON_GPU, ScheduleRun, run_schedule
from benchmarks.speed.schema import Case, Curve, Figure, Progress, Ratio, Row, Skip
from benchmarks.speed.suites.models import resolutions
from i2s_trt.embedding.options import FAST_STEPS, PAPER_STEPS
from i2s_trt.errors import I2sError
from i2s_trt.models import vgg_weights
from i2s_trt.process import Child, OutOfTime

_STEPS = {PAPER: PAPER_STEPS, FAST: FAST_STEPS}
_QUICK_STEPS, _QUICK_SECONDS = 4, 15.0
_PAPERS_PART = 0.7  # of the time for a model; the rest is for the fast schedule
_LOADING = 30.0  # seconds that a process may take beside its steps


def run(bench: Bench) -> Produced:
    """The small models first and longest: their paper's schedule can be run to its end on a CPU."""
    models, missing = resolutions(bench, "embedding with")
    yield from missing
    weights = {model: 1 / models[model] for model in sorted(models, key=models.__getitem__)}
    for model, part in bench.shared(weights):
        yield from compare_schedules(part, model, models[model])


def compare_schedules(bench: Bench, model: str, resolution: int) -> Produced:
    """The paper's schedule, as far as the time allows, and the fast one until it is as good."""
    precisions = PRECISIONS_ON_GPU if bench.on_gpu else dict.fromkeys(PRECISIONS_ON_GPU, "fp32")
    cases = {name: Case(name, model, resolution, precision=precisions[name]) for name in (PAPER, FAST)}
    found: dict[str, ScheduleRun] = {}
    for done, (name, case) in enumerate(cases.items()):
        yield Progress(f"{name} schedule, {model}", done, len(cases))
        load = OtherLoad()
        result = embedded(bench.until(bench.left() * (_PAPERS_PART if name == PAPER else 1.0)), case)
        if isinstance(result, Skip):
            yield result
            if name == PAPER:
                return
            continue
        found[name] = result
        yield row(case, result, found[PAPER], load.cores())
        yield Curve(case, ("s", "step", "loss"), result.thinned())
    yield from ratio(cases, found)


def embedded(bench: Bench, case: Case) -> ScheduleRun | Skip:
    """One run in a process of its own."""
    what = f"{case.variant} schedule, {case.model}"
    if bench.left() <= 0:
        return Skip(what, "the time budget was spent before it")
    steps = _QUICK_STEPS if bench.quick else _STEPS[case.variant]
    seconds = min(bench.left(), _QUICK_SECONDS) if bench.quick else bench.left()
    child = Child(run_schedule, case.variant, case.model, steps, bench.device, case.precision, seconds)
    try:
        result: ScheduleRun = child.ask(bench.deadline + _LOADING)
    except OutOfTime:
        return Skip(what, "the time budget ended before its first step")
    except I2sError as error:
        return Skip(what, one_line(error))
    finally:
        child.close()
    return result if result.points else Skip(what, "the time budget ended before its first step")


def row(case: Case, result: ScheduleRun, paper: ScheduleRun, load: float) -> Row:
    """Seconds and steps to the paper's last loss; without `time` where a schedule did not come so far."""
    target = paper.points[-1][2]
    place = result.points[-1] if case.variant == PAPER else result.reach(target)
    seconds, steps, loss = place or result.points[-1]
    figures = {"steps": Figure(steps, "step"), "loss": Figure(loss, "loss")}
    stopped = () if result.finished else ("stopped by the time budget",)
    notes = (f"losses of {vgg_weights.NAME}", *stopped)
    if place is None:
        return Row(case, figures, load, (*notes, "did not reach the loss of the paper's schedule"))
    return Row(case, {"time": Figure(seconds, "s"), **figures}, load, notes)


def ratio(cases: dict[str, Case], found: dict[str, ScheduleRun]) -> Iterator[Ratio]:
    """How many times sooner the fast schedule is there."""
    if FAST not in found:
        return
    seconds = found[PAPER].points[-1][0]
    place = found[FAST].reach(found[PAPER].points[-1][2])
    if place is not None and place[0] > 0:
        yield Ratio(cases[FAST], cases[PAPER], Figure(seconds / place[0], "x"))
