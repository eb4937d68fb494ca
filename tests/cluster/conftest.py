"""A real Ray: two machines, both of them this one."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from i2s_trt.cluster.join import Cluster, joined
from i2s_trt.cluster.options import cluster_options

pytest.importorskip("ray")
MEMORY = 100 * 2**20  # of each machine's object store


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """Ray sends nothing to anybody, and its processes do not take more threads than tests may."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="package")
def machines() -> Iterator[Any]:
    """Two machines with a worker's room each; `machines.address` is what --cluster takes."""
    found = start_machines(1, 1)
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def cluster(machines: Any) -> Iterator[Cluster]:
    """The two machines, joined once for all tests of a module; its tests may not join another."""
    with joined(cluster_options(machines.address), "cpu") as found:
        yield found


def start_machines(*cpus: int, name: str = "machine") -> Any:
    """A cluster whose machines have so many cores, and a name with a number."""
    from ray.cluster_utils import Cluster

    found = Cluster()
    for number, count in enumerate(cpus):
        found.add_node(num_cpus=count, object_store_memory=MEMORY, include_dashboard=False, node_name=f"{name}{number}")
    found.wait_for_nodes()
    return found


def workers_of(machines: Any) -> list[psutil.Process]:
    """The processes of workers on these machines, and on no others that may be there."""
    found: list[psutil.Process] = []
    for node in machines.list_all_nodes():
        raylet = node.all_processes["raylet"][0].process.pid
        with suppress(psutil.Error):
            found += [one for one in psutil.Process(raylet).children(recursive=True) if _is_worker(one)]
    return found


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "ray::Actor" in " ".join(process.cmdline())
    return False
