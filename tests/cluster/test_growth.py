"""Machines that come and go in the middle of a run."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from i2s_trt.cluster import staff
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.options import cluster_options
from i2s_trt.cluster.tasks import Done, Outcome, Task
from tests.cluster.conftest import MEMORY, start_machines
from tests.cluster.odd import UNFIT
from tests.cluster.test_dispatcher import PLAN, Tasks, kinds, names

SECONDS = 90.0


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "_BETWEEN", 0.2)


@pytest.fixture
def machine() -> Iterator[Any]:
    """One, to which others are added."""
    found = start_machines(1)
    yield found
    found.shutdown()


def add(machine: Any, name: str, **options: Any) -> None:
    machine.add_node(
        num_cpus=1, object_store_memory=MEMORY, include_dashboard=False, node_name=name, wait=False, **options
    )


def test_what_comes_later_works_and_what_cannot_is_left_out(machine: Any) -> None:
    events: list[ClusterEvent] = []
    outcomes: list[Outcome] = []
    begun, given = time.monotonic(), list[str]()

    def happened(kind: str, node: str) -> bool:
        return any((event.kind, event.data.get("node")) == (kind, node) for event in events)

    def tasks() -> Iterator[Task]:
        """Until both have come, and some more."""
        left = 100
        while left and time.monotonic() - begun < SECONDS:
            left -= happened("worker", "late") and happened("given_up", "unfit")
            given.append(f"t{len(given):05}")
            yield Task(given[-1], ("sleep", 0.02))

    with joined(cluster_options(machine.address)) as cluster:
        for _, outcome in Dispatcher(cluster, PLAN, None, None, events.append).run(Tasks(tasks())):
            outcomes.append(outcome)
            if len(outcomes) == 10:
                add(machine, "unfit", env_vars={UNFIT: "1"})
            if len(outcomes) == 20:
                add(machine, "late", num_gpus=1)
    assert names(outcomes) == given
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    devices = {event.data["node"]: event.data["device"] for event in events if event.kind == "worker"}
    assert devices == {"machine0": "cpu", "late": "cuda"}, "its GPU is used though there was none before"
    assert [event.data["reason"] for event in events if event.kind == "given_up"] == ["it has no GPU"]
    assert [event.data["nodes"] for event in events if event.kind == "grown"][-1] == 3


@pytest.mark.slow
def test_no_more_workers_come_than_were_asked_for(machine: Any) -> None:
    events: list[ClusterEvent] = []
    with joined(cluster_options(machine.address, workers=1)) as cluster:
        tasks = [Task(f"t{i:02}", ("sleep", 0.1)) for i in range(40)]
        for number, _ in enumerate(Dispatcher(cluster, PLAN, None, None, events.append).run(Tasks(tasks))):
            if number == 4:
                add(machine, "late")
                machine.wait_for_nodes()
    assert [event.kind for event in events] == ["worker"]


@pytest.mark.slow
@pytest.mark.parametrize("graceful", [True, False])
def test_a_machine_that_is_gone_is_nobodys_fault(graceful: bool) -> None:
    """Removed in good order, or from one moment to the next."""
    found = start_machines(1, 1)
    events: list[ClusterEvent] = []
    try:
        leaving = found.list_all_nodes()[1]
        with joined(cluster_options(found.address)) as cluster:
            dispatcher = Dispatcher(cluster, PLAN, None, None, events.append)
            outcomes: list[Outcome] = []
            remove = threading.Thread(target=found.remove_node, args=(leaving, graceful))
            for _, outcome in dispatcher.run(Tasks([Task(f"t{i:03}", ("sleep", 0.05)) for i in range(150)])):
                outcomes.append(outcome)
                if len(outcomes) == 20:
                    remove.start()
            remove.join()
    finally:
        found.shutdown()
    assert names(outcomes) == [f"t{i:03}" for i in range(150)]
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    (lost,) = [event for event in events if event.kind == "lost"]
    assert lost.data["removed"] or not graceful, "of one that has vanished Ray hears late"
    assert kinds(events)["retry"] == 0
