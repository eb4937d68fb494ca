"""Times work, and makes figures of the times."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.speed.schema import Figure, Unit

Work = Callable[[], object]
_TAIL_NEEDS = {"p90": 10, "p99": 100}  # calls, so that one at least lies beyond
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Clock(Protocol):
    """Times one piece of work in milliseconds, until its last result is there."""

    def __call__(self, work: Work) -> float:
        """Milliseconds of one call."""
        ...


def host_clock(work: Work) -> float:
    """Seconds by the monotonic clock: for work whose results are there when it returns."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


def cuda_clock(work: Work) -> float:
    """Seconds by CUDA events on the current stream: the device's own time, from the first kernel to the last."""
    import torch

    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    work()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end))


def clock_for(device: str) -> Clock:
    """CUDA events on a GPU, the monotonic clock elsewhere."""
    return cuda_clock if device.startswith("cuda") else host_clock


def timed(work: Work, clock: Clock, calls: int, seconds: float) -> list[float]:
    """Milliseconds of repeated calls: as many as asked for, fewer where the seconds are over, five at least."""
    samples: list[float] = []
    begun = time.monotonic()
    while len(samples) < calls and (len(samples) < min(calls, 5) or time.monotonic() - begun < seconds):
        samples.append(clock(work))
    return samples


def median_figure(samples: Sequence[float], unit: Unit = "ms") -> Figure:
    """Median and quartiles of repeated measurements."""
    import numpy as np

    low, middle, high = np.percentile(np.asarray(samples, float), (25, 50, 75)).tolist()
    return Figure(middle, unit, len(samples), low, high)


def ratio_figure(slower: Sequence[float], faster: Sequence[float]) -> Figure:
    """How many times faster, from rounds in which both had their turn."""
    return median_figure([a / b for a, b in zip(slower, faster, strict=True)], "x")


def rate_figure(samples: Sequence[float], images: int) -> Figure:
    """Images a second, from milliseconds of calls of so many images."""
    return median_figure([1e3 * images / sample for sample in samples], "image/s")


def latency_figures(samples: Sequence[float]) -> dict[str, Figure]:
    """The percentiles that so many calls can tell: p90 needs ten of them, p99 a hundred."""
    import numpy as np

    known = [name for name in _QUANTILES if len(samples) >= _TAIL_NEEDS.get(name, 1)]
    values = np.quantile(np.asarray(samples, float), [_QUANTILES[name] for name in known]).tolist()
    return {name: Figure(value, "ms", len(samples)) for name, value in zip(known, values, strict=True)}
