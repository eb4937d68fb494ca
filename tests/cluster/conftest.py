"""A real Ray: two machines, both of them this one."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ray")
MEMORY = 100 * 2**20  # of each machine's object store


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """Ray sends nothing to anybody, and its processes do not take more threads than tests may."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def machines() -> Iterator[Any]:
    """Two machines with a worker's room each; `machines.address` is what --cluster takes."""
    found = start_machines(1, 1)
    yield found
    found.shutdown()


def start_machines(*cpus: int) -> Any:
    """A cluster whose machines have so many cores."""
    from ray.cluster_utils import Cluster

    found = Cluster()
    for number, count in enumerate(cpus):
        found.add_node(
            num_cpus=count, object_store_memory=MEMORY, include_dashboard=False, node_name=f"machine{number}"
        )
    found.wait_for_nodes()
    return found
