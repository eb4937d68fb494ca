"""What a picture costs on its way through a cluster, measured part by part, and where more workers lead."""

import hashlib
import heapq
import random
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.cluster.tasks import Answer, Bench, Done, Hello, Task

NOTHING = "benchmarks.speed.cluster_costs:open_nothing"
_GROUP, _WRITERS = 64, 8
_FULL = 0.9  # busy for that part of the time, a stage holds the others up


@dataclass(frozen=True)
class Costs:
    """Seconds.

    Attributes:
        worker: of a worker for a picture, rendered, encoded and written.
        send: of the driver for handing out a task and hearing of it.
        place: of one of the driver's writing threads for verifying and renaming an output.
        commit: of the driver's journal for a group of outputs.
    """

    worker: float
    send: float
    place: float
    commit: float


@dataclass(frozen=True)
class Simulated:
    """A simulated run.

    Attributes:
        rate: pictures a second.
        busy: the part of the time that each stage was busy: `workers`, `handing out`, `placing`, `the journal`.
    """

    rate: float
    busy: Mapping[str, float]

    @property
    def limit(self) -> str:
        """The stage that holds the others up: the busiest."""
        return max(self.busy, key=self.busy.__getitem__)


def simulate(costs: Costs, workers: int, pictures: int) -> Simulated:
    """Send pictures through driver, workers, writers and journal, each of which takes them in the order they come."""
    sent = journal = 0.0
    free, writers = [0.0] * workers, [0.0] * _WRITERS
    rendered: list[float] = []
    for _ in range(pictures):
        sent = max(sent, free[0] - costs.worker) + costs.send  # the next one is sent while one is being made
        rendered.append(max(sent, free[0]) + costs.worker)
        heapq.heapreplace(free, rendered[-1])
    placed = []
    for ready in sorted(rendered):
        placed.append(max(ready, writers[0]) + costs.place)
        heapq.heapreplace(writers, placed[-1])
    groups = range(0, pictures, _GROUP)
    for start in groups:
        journal = max(journal, *placed[start : start + _GROUP]) + costs.commit
    whole = {
        "workers": pictures * costs.worker / workers,
        "handing out": pictures * costs.send,
        "placing": pictures * costs.place / _WRITERS,
        "the journal": len(groups) * costs.commit,
    }
    return Simulated(pictures / journal, {name: seconds / journal for name, seconds in whole.items()})


def saturation(costs: Costs, most: int) -> int:
    """The fewest workers that are held up by something else; 0 where `most` are not."""

    def are_held_up(workers: int) -> bool:
        return simulate(costs, workers, max(40 * workers, 40 * _GROUP)).busy["workers"] < _FULL

    found = 1 + bisect_left(range(1, most + 1), True, key=are_held_up)
    return found if found <= most else 0


class Nothing:
    """Does tasks at once."""

    hello = Hello("cpu", "nothing", 8, 2)

    def work(self, tasks: Any) -> Answer:
        """See `Workshop`."""
        return Answer([Done(task.name, None) for task in tasks], 8)

    def stop(self) -> None:
        """See `Workshop`."""


def open_nothing(_settings: Mapping[str, Any], _model: str, _bench: Bench) -> Nothing:
    """A workshop for measuring what sending costs."""
    return Nothing()


def measure_sending(count: int, shape: tuple[int, int]) -> float:
    """Seconds that a task with a latent [L, D] costs the driver, on the cluster that was joined, whose workers idle."""
    from i2s_trt.cluster.dispatcher import Dispatcher
    from i2s_trt.cluster.join import Cluster
    from i2s_trt.cluster.options import WorkerPlan

    class Feed:
        tasks: Iterator[Task] = (Task(f"{i}", np.zeros(shape, np.float32)) for i in range(count))

        def poll(self, most: int) -> list[Task] | None:
            return [task for _, task in zip(range(most), self.tasks, strict=False)] or None

    results = Dispatcher(Cluster(1, 2, 0.0, 0.0), WorkerPlan(NOTHING), None, None, lambda _event: None).run(Feed())
    next(results)
    begun = time.perf_counter()
    return _after(sum(1 for _ in results), begun)


def measure_folder(folder: Path, count: int, size: int) -> tuple[float, float]:
    """Seconds for placing an output of `size` bytes that a worker has written, and for committing a group of them."""
    from i2s_trt.batch.journal import Commit
    from i2s_trt.batch.output_folder import OutputFolder

    with OutputFolder(folder, resume=False) as outputs:
        (outputs.partial / "worker").mkdir()
        data = random.Random(0).randbytes(size)
        digest = hashlib.sha256(data).hexdigest()
        commits = [Commit(f"{number}.png", "0" * 32, size, digest, "torch in fp32") for number in range(count)]
        for commit in commits:
            (outputs.partial / "worker" / commit.output).write_bytes(data)
        begun = time.perf_counter()
        for commit in commits:
            outputs.adopt(commit.output, "worker", digest)
        place = _after(count, begun)
        begun = time.perf_counter()
        groups = range(0, count, _GROUP)
        for start in groups:
            outputs.commit(commits[start : start + _GROUP])
        return place, _after(len(groups), begun)


def _after(count: int, begun: float) -> float:
    return (time.perf_counter() - begun) / max(1, count)
