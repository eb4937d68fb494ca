"""A step while another process takes the same steps: on a CPU two should take twice as long as one, and no more."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks.speed.bench import Bench, Produced, one_line
from benchmarks.speed.clock import host_clock, median_figure, ratio_figure
from benchmarks.speed.schema import Case, Progress, Row, Skip
from benchmarks.speed.step_variants import SAFEST, make_step
from i2s_trt.errors import I2sError
from i2s_trt.process import Child, OutOfTime
from i2s_trt.threads import wait_politely

VARIANT = f"{SAFEST.name} beside another"
_SECONDS, _QUICK_SECONDS = 6.0, 0.5  # of steps in a round
_ROUNDS = 3  # alone and together in turn
_LEAST = 3  # steps in a round


def beside_another(bench: Bench, model: str, resolution: int) -> Produced:
    """A row with the times of a step alone and beside another, and how many times longer the latter takes."""
    case = Case(VARIANT, model, resolution, precision=SAFEST.precision)
    if bench.left() <= 0:
        yield Skip(f"{case.variant}, {model}", "the time budget was spent before")
        return
    seconds = _QUICK_SECONDS if bench.quick else _SECONDS
    yield Progress(case.variant, 0, 1)
    try:
        alone, together = _measure(bench, model, seconds)
    except OutOfTime:
        yield Skip(f"{case.variant}, {model}", "the time budget ended during its rounds")
        return
    except I2sError as error:
        yield Skip(f"{case.variant}, {model}", one_line(error))
        return
    figures = {
        "time": median_figure(together),
        "alone": median_figure(alone),
        "times": ratio_figure(together, alone),
    }
    yield Row(case, figures)


def _measure(bench: Bench, model: str, seconds: float) -> tuple[list[float], list[float]]:
    """Medians of each round in milliseconds, alone and together. The second starts while the first is at work."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:

        def begin() -> Child:
            child = Child(_live, model, bench.device, seconds)
            stack.callback(child.close)
            child.ask(bench.deadline)  # made, and warm
            return child

        def turn(child: Child) -> float:
            return float(statistics.median(child.ask(bench.deadline)))

        first = begin()
        alone = [turn(first) for _ in range(bench.rounds(_ROUNDS))]
        at_work = pool.submit(turn, first)
        second = begin()
        at_work.result()
        together = [statistics.mean(pool.map(turn, (first, second))) for _ in alone]
    return alone, together


def _live(model: str, device: str, seconds: float) -> Iterator[list[float]]:
    wait_politely()  # as a command does before it loads PyTorch
    work = make_step(SAFEST, model, 1, device)
    yield [host_clock(work) for _ in range(_LEAST)]
    while True:
        begun, samples = time.monotonic(), list[float]()
        while len(samples) < _LEAST or time.monotonic() - begun < seconds:
            samples.append(host_clock(work))
        yield samples
