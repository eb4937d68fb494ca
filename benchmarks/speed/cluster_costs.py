"""What a picture costs on its way through a cluster, measured part by part, and where more workers lead."""

import hashlib
import heapq
import random
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.cluster.tasks import Answer, Bench, Done, Hello, Task

STAGES = ("workers", "handing out", "the shared disk", "the network", "placing", "the journal")
NOTHING = "benchmarks.speed.cluster_costs:open_nothing"
_GROUP, WRITERS = 64, 8
_FULL = 0.9  # busy for that part of the time, a stage holds the others up


@dataclass(frozen=True)
class Costs:
    """Seconds.

    Attributes:
        worker: of a worker for a picture, rendered, encoded and written.
        send: of the driver for handing out a task and hearing of it.
        place: of one of the driver's writing threads for an output: verified and renamed, or written.
        commit: of the driver's journal for a group of outputs.
        disk: of the shared disk for the bytes of a picture; 0 where workers give them back.
        network: of the network into the driver for the same; 0 where workers write them.
    """

    worker: float
    send: float
    place: float
    commit: float
    disk: float = 0.0
    network: float = 0.0


@dataclass(frozen=True)
class Simulated:
    """A simulated run.

    Attributes:
        rate: pictures a second.
        busy: the part of the time that each of `STAGES` was busy.
    """

    rate: float
    busy: Mapping[str, float]

    @property
    def limit(self) -> str:
        """The stage that holds the others up: the busiest."""
        return max(self.busy, key=self.busy.__getitem__)


def simulate(costs: Costs, workers: int, pictures: int) -> Simulated:
    """Send pictures through driver, workers, disk, network, writers and journal, each of which keeps their order."""
    sent = journal = 0.0
    free, writers = [0.0] * workers, [0.0] * WRITERS
    rendered: list[float] = []
    for _ in range(pictures):
        sent = max(sent, free[0] - costs.worker) + costs.send  # the next one is sent while one is being made
        rendered.append(max(sent, free[0]) + costs.worker)
        heapq.heapreplace(free, rendered[-1])
    placed = []
    for ready in _in_line(_in_line(sorted(rendered), costs.disk), costs.network):
        placed.append(max(ready, writers[0]) + costs.place)
        heapq.heapreplace(writers, placed[-1])
    groups = range(0, pictures, _GROUP)
    for start in groups:
        journal = max(journal, *placed[start : start + _GROUP]) + costs.commit
    whole = {
        "workers": pictures * costs.worker / workers,
        "handing out": pictures * costs.send,
        "the shared disk": pictures * costs.disk,
        "the network": pictures * costs.network,
        "placing": pictures * costs.place / WRITERS,
        "the journal": len(groups) * costs.commit,
    }
    return Simulated(pictures / journal, {name: seconds / journal for name, seconds in whole.items()})


def _in_line(ready: Iterable[float], cost: float) -> Iterator[float]:
    """When each is through something that takes one at a time."""
    free = 0.0
    for time_ in ready:
        free = max(free, time_) + cost
        yield free


def saturation(costs: Costs, most: int) -> int:
    """The fewest workers that are held up by something else; 0 where `most` are not."""

    def are_held_up(workers: int) -> bool:
        return simulate(costs, workers, max(40 * workers, 40 * _GROUP)).busy["workers"] < _FULL

    found = 1 + bisect_left(range(1, most + 1), True, key=are_held_up)
    return found if found <= most else 0


class Nothing:
    """Does tasks at once; each result is so many bytes."""

    hello, progress = Hello("cpu", "nothing", 8, 2), 0

    def __init__(self, size: int) -> None:
        self._size = size

    def work(self, tasks: Any) -> Answer:
        """See `Workshop`."""
        return Answer([Done(task.name, random.randbytes(self._size) if self._size else None) for task in tasks], 8)

    def news(self) -> Mapping[str, bytes]:
        """None."""
        return {}

    def stop(self) -> None:
        """See `Workshop`."""


def open_nothing(settings: Mapping[str, Any], _model: str, _bench: Bench) -> Nothing:
    """A workshop for measuring what sending costs."""
    return Nothing(settings.get("size", 0))


def measure_sending(count: int, shape: tuple[int, int], size: int = 0) -> float:
    """Seconds that a task costs the driver, on the cluster that was joined, whose workers idle.

    Args:
        count: tasks.
        shape: of the latent [L, D] that goes there.
        size: of the result that comes back through Ray's object store, in bytes.
    """
    from i2s_trt.cluster.dispatcher import Dispatcher
    from i2s_trt.cluster.join import Cluster
    from i2s_trt.cluster.options import WorkerPlan

    class Feed:
        tasks: Iterator[Task] = (Task(f"{i}", np.zeros(shape, np.float32)) for i in range(count))

        def poll(self, most: int) -> list[Task] | None:
            return [task for _, task in zip(range(most), self.tasks, strict=False)] or None

    plan = WorkerPlan(NOTHING, {"size": size})
    results = Dispatcher(Cluster(1, 2, 0.0, 0.0), plan, None, None, lambda _event: None).run(Feed())
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


def measure_disk(folder: Path, count: int, size: int) -> float:
    """Seconds that the disk of a folder takes for so many bytes, synced, when eight pictures are written at once."""
    from i2s_trt.batch.disk import write_synced

    folder.mkdir(parents=True, exist_ok=True)
    data = random.Random(0).randbytes(size)

    def write(number: int) -> None:
        write_synced(folder / f"{number}.png", data)

    with ThreadPoolExecutor(WRITERS) as pool:
        begun = time.perf_counter()
        list(pool.map(write, range(count)))
        return _after(count, begun)


def _after(count: int, begun: float) -> float:
    return (time.perf_counter() - begun) / max(1, count)
