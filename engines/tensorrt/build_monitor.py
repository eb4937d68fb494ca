"""Watches a build: TensorRT reports what it is doing, and can be stopped."""

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

Report = Callable[[str, int, int], bool | None]


def make_monitor(trt: ModuleType, report: Report) -> Any:
    """A progress monitor; TensorRT may call it from threads of its own.

    Whatever `report` raises, Ctrl-C too, cancels the build: TensorRT would print it and lose it, so it is kept in
    `.error`. `.cancelled` says that `report` asked for the end.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False
            self.error: BaseException | None = None
            self._lock = threading.Lock()
            self._steps: dict[str, int] = {}

        def phase_start(self, name: str, _parent: str | None, steps: int) -> None:
            with self._lock:
                self._steps[name] = steps

        def phase_finish(self, name: str) -> None:
            with self._lock:
                self._steps.pop(name, None)

        def step_complete(self, name: str, step: int) -> bool:
            with self._lock:
                try:
                    self.cancelled = self.cancelled or bool(report(name, step + 1, self._steps.get(name, 0)))
                except BaseException as error:
                    self.error, self.cancelled = error, True
                return not self.cancelled

    return Monitor()
