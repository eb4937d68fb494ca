"""Seconds of work on a device, without those in which its results are looked at."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch


class Stopwatch:
    """Runs while its context is open, and rests while it is paused; at each stop the device has done its work.

    Args:
        device: that works.

    Attributes:
        seconds: until the latest stop.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._begun = device, 0.0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done meanwhile does not count."""
        self._stop()
        yield
        self._wait()
        self._begun = time.perf_counter()

    def _stop(self) -> None:
        self._wait()
        self.seconds += time.perf_counter() - self._begun

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
