"""Quality against seconds: what each way of embedding has reached when, on photographs."""

from collections.abc import Iterator

from benchmarks.speed.bench import DEFAULT_MODELS, Bench, Produced, one_line
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.quality.methods import METHODS, Method
from benchmarks.speed.quality.run import Looks, SetUp, Task, run_method
from benchmarks.speed.quality.subjects import subject_names
from benchmarks.speed.schedules import PRECISIONS_ON_GPU
from benchmarks.speed.schema import Case, Curve, Figure, Progress, Row, Skip
from benchmarks.speed.suites.models import resolutions
from i2s_trt.checkpoints.catalogue import DEMO
from i2s_trt.errors import I2sError
from i2s_trt.process import OutOfTime, in_child

_LOADING = 60.0  # seconds that a process may take beside its steps
_QUICK_PICTURES = 1


def run(bench: Bench) -> Produced:
    """Every method on every picture; the built-in model where none is named, as random weights have no quality."""
    chosen = (DEMO,) if bench.models == DEFAULT_MODELS else bench.models
    models, missing = resolutions(bench.of(chosen), "embedding with")
    yield from missing
    subjects = subject_names(bench.pictures)
    if bench.quick:
        subjects = dict(list(subjects.items())[:_QUICK_PICTURES])
    contests = {(model, method): method.share for model in models for method in METHODS}
    for done, ((model, method), part) in enumerate(bench.shared(contests)):
        yield Progress(f"{method.name}, {model}", done, len(contests))
        yield from measured(part, method, Case(method.name, model, models[model]), subjects)


def measured(bench: Bench, method: Method, case: Case, subjects: dict[str, str]) -> Iterator[Row | Curve | Skip]:
    """A method's curves, one a picture, and a row with its set-up; or why there are none."""
    what = f"{method.name} with {case.model}"
    if bench.left() <= 0:
        yield Skip(what, "the time budget was spent before it")
        return
    precision = PRECISIONS_ON_GPU[method.schedule] if bench.on_gpu else "fp32"
    case = Case(case.variant, case.model, case.resolution, precision=precision)
    chosen = method.shortened() if bench.quick else method
    task = Task(chosen, case.model, subjects, bench.device, precision, bench.left(), bench.identity)
    load, set_up, notes = OtherLoad(), None, list[str]()
    try:
        for item in in_child(run_method, task, deadline=bench.deadline + _LOADING):
            if isinstance(item, SetUp):
                set_up = item
            elif isinstance(item, Looks):
                notes += item.notes
                yield Curve(_of(case, item.subject), item.columns, item.points)
    except OutOfTime:
        yield Skip(what, "the time budget ended before its last picture")
    except I2sError as error:
        yield Skip(what, one_line(error))
    if set_up is not None:
        figures = {"set-up": Figure(set_up.seconds, "s")}
        yield Row(case, figures, load.cores(), (*set_up.notes, *notes))


def _of(case: Case, picture: str) -> Case:
    return Case(case.variant, case.model, case.resolution, precision=case.precision, picture=picture)
