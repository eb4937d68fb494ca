"""A pipeline of threads: each stage takes from the one before, and all of them work at the same time."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from i2s_trt.batch.channel import Abandoned, Channel


@dataclass(frozen=True)
class Stage:
    """One step of a pipeline.

    Attributes:
        workers: one function a thread; it takes from a channel until that is closed, and yields results.
        capacity: results that wait for the next stage at most.
    """

    workers: Sequence[Callable[[Channel[Any]], Iterator[Any]]]
    capacity: int


def flow(source: Iterable[Any], stages: Sequence[Stage], capacity: int) -> Iterator[Any]:
    """What comes out of the last stage, as it comes. The source runs in a thread of its own, too.

    An error in any thread ends all of them and is raised here. They have ended when the iterator ends or is closed.

    Args:
        source: the items that go in.
        stages: in their order; with more than one worker, results may change places.
        capacity: items that wait for the first stage at most.
    """
    line = _Line(source, stages, capacity)
    try:
        yield from line.results
    except Abandoned:
        raise line.fault from None
    finally:
        line.stop()


class _Line:
    """The threads and channels of a running pipeline."""

    def __init__(self, source: Iterable[Any], stages: Sequence[Stage], capacity: int) -> None:
        self.fault: BaseException = Abandoned()
        self._channels: list[Channel[Any]] = [Channel(capacity)]
        self._threads = [self._thread(lambda: iter(source), self._channels[0])]
        for stage in stages:
            incoming, outgoing = self._channels[-1], Channel[Any](stage.capacity, len(stage.workers))
            self._channels.append(outgoing)
            self._threads += [self._thread(_bound(worker, incoming), outgoing) for worker in stage.workers]
        self.results = self._channels[-1]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End every thread and wait for it."""
        for channel in self._channels:
            channel.abandon()
        for thread in self._threads:
            thread.join()

    def _thread(self, work: Callable[[], Iterator[Any]], outgoing: Channel[Any]) -> threading.Thread:
        def run() -> None:
            with suppress(Abandoned):
                try:
                    for result in work():
                        outgoing.put(result)
                    outgoing.done()
                except Abandoned:
                    raise
                except BaseException as error:
                    self._give_up(error)

        return threading.Thread(target=run, daemon=True)

    def _give_up(self, error: BaseException) -> None:
        if isinstance(self.fault, Abandoned):
            self.fault = error
        for channel in self._channels:
            channel.abandon()


def _bound(worker: Callable[[Channel[Any]], Iterator[Any]], incoming: Channel[Any]) -> Callable[[], Iterator[Any]]:
    return lambda: worker(incoming)
