"""One variant of a computation, alone in a process of its own, timed whenever it has its turn."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.bench import take_device
from benchmarks.speed.clock import Work, clock_for, host_clock
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.memory import peak_memory
from benchmarks.speed.schema import Case
from i2s_trt.process import Child

_SETTLING = 2  # calls after the first: what is compiled or captured late comes in them
_SLOW = 200.0  # ms; a call that takes longer need not be warmed up again at each turn
_TURN = 60.0  # ms of calls in a turn
_MOST_CALLS = 20


@dataclass(frozen=True)
class Contender:
    """One variant of a computation.

    Attributes:
        case: what its figures belong to.
        make: builds it in its process; a function at the top of a module.
        arguments: of `make`.
        device: `cpu` or `cuda`, whose memory counts.
        images: that one call makes; the case's batch where it is 0.
        on_host: whether a call's results are in host memory when it returns, so that the host's clock is right.
        notes: for the row.
    """

    case: Case
    make: Callable[..., Work]
    arguments: tuple[Any, ...]
    device: str
    images: int = 0
    on_host: bool = False
    notes: tuple[str, ...] = ()

    def start(self) -> Child:
        """A process that gives `Prepared` at first, and a `Turn` whenever it is asked again."""
        return Child(_live, self.make, self.arguments, self.device, self.on_host)


@dataclass(frozen=True)
class Prepared:
    """Seconds of building and the first call, and milliseconds of a later one."""

    first: float
    each: float


@dataclass(frozen=True)
class Turn:
    """Milliseconds of some calls, MiB at the peak so far, and the cores that other processes kept busy meanwhile."""

    samples: tuple[float, ...]
    peak: float
    other_load: float

    @property
    def median(self) -> float:
        """Median of the calls."""
        return statistics.median(self.samples)


def _live(make: Callable[..., Work], arguments: tuple[Any, ...], device: str, on_host: bool) -> Iterator[object]:
    take_device(device)
    clock = host_clock if on_host else clock_for(device)
    begun = time.monotonic()
    work = make(*arguments)
    clock(work)
    first = time.monotonic() - begun
    each = [clock(work) for _ in range(_SETTLING)][-1]
    yield Prepared(first, each)
    calls = max(1, min(_MOST_CALLS, round(_TURN / max(each, 1e-3))))
    while True:
        if each < _SLOW:  # another process had the caches meanwhile
            clock(work)
        load = OtherLoad()
        samples = tuple(clock(work) for _ in range(calls))
        yield Turn(samples, peak_memory(device), load.cores())
