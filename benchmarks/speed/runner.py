"""Runs suites one after the other, each in a process of its own, and keeps everything that was measured."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module

from benchmarks.speed.bench import Bench, Produced, one_line, take_device
from benchmarks.speed.environment import program_version
from benchmarks.speed.load import load_before
from benchmarks.speed.results_file import with_suite
from benchmarks.speed.schema import Curve, Item, Progress, Ratio, Results, Row, Skip, Status, Suite
from benchmarks.speed.suites import SHARES
from i2s_trt.errors import I2sError
from i2s_trt.process import OutOfTime, Stopped, in_child

Keep = Callable[[Results], None]
Report = Callable[[str, Item | Progress], None]
_FAREWELL = 20.0  # seconds that a suite may overrun: its last measurement ends within


def run_suites(
    names: Sequence[str],
    bench: Bench,
    results: Results,
    keep: Keep,
    report: Report = lambda _suite, _item: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Results:
    """Measure; a suite that fails or runs out of time is recorded as such and does not stop the others.

    Args:
        names: of suites, see `benchmarks.speed.suites.SHARES`.
        bench: settings; its deadline is shared out among the suites.
        results: to add to.
        keep: called with the results so far after every measurement.
        report: called with a suite's name and what it sends.
        should_stop: true ends the run with what there is.
    """
    for name, part in bench.shared({name: SHARES[name] for name in names}):
        if should_stop():
            break
        for suite in growing(name, part, report, should_stop):
            results = with_suite(results, name, suite)
            keep(results)
    return results


def growing(name: str, bench: Bench, report: Report, should_stop: Callable[[], bool]) -> Iterator[Suite]:
    """A suite after each of its measurements, and once more when it has ended."""
    begun = time.monotonic()
    suite = Suite(
        status="interrupted",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        version=program_version(),
        load=load_before(),
        quick=bench.quick,
    )
    status: Status
    try:
        for item in in_child(produce, name, bench, deadline=bench.deadline + _FAREWELL, should_stop=should_stop):
            if not isinstance(item, Progress):
                suite = replace(added(suite, item), seconds=round(time.monotonic() - begun, 1))
                yield suite
            report(name, item)  # what is reported has been kept
        status = "complete" if bench.left() > 0 else "out of time"
    except Stopped:
        status = "interrupted"
    except OutOfTime:
        status = "out of time"
    except I2sError as error:
        status = "failed"
        suite = added(suite, Skip(f"the rest of {name}", one_line(error)))
    yield replace(suite, status=status, seconds=round(time.monotonic() - begun, 1))


def produce(name: str, bench: Bench) -> Produced:
    """The measurements of a suite, in this process."""
    take_device(bench.device)
    run = import_module(f"benchmarks.speed.suites.{name}").run
    return run(bench)  # type: ignore[no-any-return]


def added(suite: Suite, item: Item) -> Suite:
    """The suite with one more measurement."""
    match item:
        case Row():
            return replace(suite, rows=(*suite.rows, item))
        case Ratio():
            return replace(suite, ratios=(*suite.ratios, item))
        case Curve():
            return replace(suite, curves=(*suite.curves, item))
        case Skip():
            return replace(suite, skipped=(*suite.skipped, item))
