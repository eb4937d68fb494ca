"""A workshop for tests: tasks say themselves what is to happen to them."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from i2s_trt.cluster.scratch import own_scratch
from i2s_trt.cluster.tasks import Answer, Bench, Done, Failed, Hello, Outcome, Task
from i2s_trt.errors import EnvironmentFault, UsageError

UNFIT = "I2S_TRT_TEST_UNFIT"  # set on machines that are to refuse


class Odd:
    """Does what a payload says: `("die", log)`, `("fail", log)`, `("sleep", seconds)`, `("slow",)` or nothing.

    `("stuck",)` never ends, `("hang",)` not on the first worker, and `("long", tenths)` gets on all the time.

    A task `("heavy",)` with others is more than the memory holds. What is `("broken",)` the first worker's machine
    cannot do, what is `("faulty",)` no machine can; `("full",)` finds the shared disk full.
    """

    def __init__(self, settings: Mapping[str, Any], bench: Bench) -> None:
        self.hello = Hello("cuda" if ray.get_gpu_ids() else "cpu", "odd", settings.get("batch", 4), 2)
        if settings.get("scratch"):
            (own_scratch(bench.token) / "something").write_bytes(b"x")
        self._token, self._batch, self.progress = bench.token, self.hello.batch, 0

    def work(self, tasks: Sequence[Task]) -> Answer:
        if len(tasks) > 1 and any(task.payload == ("heavy",) for task in tasks):
            os._exit(9)
        return Answer([self._one(task) for task in tasks], self._batch)

    def news(self) -> Mapping[str, bytes]:
        return {}

    def stop(self) -> None:
        pass

    def _one(self, task: Task) -> Outcome:
        what, *arguments = task.payload or ("nothing",)
        if what == "sleep":
            time.sleep(arguments[0])
        if what == "hang" and self._token.startswith("worker-0"):
            time.sleep(1000)
        if what == "stuck":
            time.sleep(1000)
        if what == "long":  # and gets on
            for _ in range(arguments[0]):
                time.sleep(0.1)
                self.progress += 1
        if what == "faulty" or (what == "broken" and self._token.startswith("worker-0")):
            return Failed(task.name, "the GPU is gone", "look for it", "machine")
        if what == "full":
            return Failed(task.name, "the disk is full", "free some space", "disk")
        if what == "slow":
            time.sleep(0.3 if self._token.startswith("worker-0") else 0.02)
        if what in ("die", "fail"):
            with Path(arguments[0]).open("a") as log:
                log.write(f"{self._token}\n")
            if what == "fail":
                return Failed(task.name, "this one is odd", "leave it out")
            os._exit(7)
        return Done(task.name, (self._token, os.getpid()))


def open_mistaken(_settings: Mapping[str, Any], _model: str, _bench: Bench) -> Odd:
    raise UsageError("no device named foo", "use another")


def open_odd(settings: Mapping[str, Any], _model: str, bench: Bench) -> Odd:
    if os.environ.get(UNFIT):
        raise EnvironmentFault("it has no GPU", "take another")
    return Odd(settings, bench)
