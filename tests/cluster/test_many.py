"""A hundred thousand tasks: the driver's memory does not grow with them."""

import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.options import WorkerPlan, cluster_options
from i2s_trt.cluster.tasks import Task
from tests.cluster.test_dispatcher import Tasks

MANY = 100_000
GROWTH = 32 * 2**20


def payloads() -> Iterator[Task]:
    """Each is as large as a latent of 1024x1024."""
    for number in range(MANY):
        yield Task(f"t{number:06}", ("nothing", bytes(36864)))


@pytest.mark.slow
def test_the_drivers_memory_stays_flat(machines: Any) -> None:
    process, sizes, done = psutil.Process(), [], 0
    plan = WorkerPlan("tests.cluster.odd:open_odd", {"batch": 32})
    with joined(cluster_options(machines.address)) as cluster:
        begun = time.monotonic()
        for _ in Dispatcher(cluster, plan, None, None, lambda _event: None).run(Tasks(payloads())):
            done += 1
            if done % (MANY // 10) == 0:
                sizes.append(process.memory_info().rss)
    print(f"{done / (time.monotonic() - begun):.0f} tasks/s; MiB: {[size >> 20 for size in sizes]}")
    assert done == MANY
    assert max(sizes[1:]) - sizes[0] < GROWTH, [size >> 20 for size in sizes]
