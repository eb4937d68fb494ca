"""Whose fault it is: the machine's, the shared disk's or the task's; and what is in hand comes before a run ends."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.cluster import backlog, staff
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.faults import failed
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.tasks import Done, Failed, Outcome, Task
from i2s_trt.errors import EnvironmentFault, LatentError
from i2s_trt.files import guard_os_errors
from tests.cluster.test_dispatcher import PLAN, Tasks, done, kinds, names


def test_what_an_error_means_for_its_task(tmp_path: Path) -> None:
    task = Task("t", None)
    full = EnvironmentFault("the disk is full")
    try:
        with guard_os_errors(tmp_path):
            (tmp_path / "none" / "there").write_bytes(b"x")
    except EnvironmentFault as fault:
        full = fault
    assert [failed(task, full, shared=shared).kind for shared in (True, False)] == ["disk", "machine"]
    assert failed(task, EnvironmentFault("no GPU", "look"), shared=True) == Failed("t", "no GPU", "look", "machine")
    assert failed(task, LatentError("a bad one"), shared=True).kind == "task"


def test_a_machine_that_cannot_do_it_is_given_up_and_the_others_do_it(cluster: Cluster) -> None:
    events: list[ClusterEvent] = []
    tasks = [Task(f"t{i:02}", ("broken",) if i % 2 else ("sleep", 0.3)) for i in range(40)]
    outcomes = done(cluster, tasks, events, WorkerPlan(PLAN.opener, {"batch": 1}))
    assert names(outcomes) == [task.name for task in tasks]
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    lost = [event.data for event in events if event.kind == "lost"]
    assert {(one["worker"], one["reason"]) for one in lost} == {(0, "the GPU is gone")}


def test_what_no_machine_can_do_ends_the_run_and_says_which_and_why(cluster: Cluster) -> None:
    events: list[ClusterEvent] = []
    with pytest.raises(EnvironmentFault, match=r"no worker is left \(a worker on machine\d: the GPU is gone") as caught:
        done(cluster, [Task(f"t{i:02}", ("faulty",)) for i in range(60)], events)
    assert "--resume" in caught.value.hint
    given_up = [event.data for event in events if event.kind == "given_up"]
    assert sorted(one["worker"] for one in given_up) == [0, 1], "which may have changed places"
    assert {one["reason"] for one in given_up} == {"the GPU is gone"}


def test_a_task_that_two_machines_cannot_do_is_reported_with_the_machine(cluster: Cluster) -> None:
    tasks = [Task(f"t{i:02}", ("faulty",) if i == 30 else ("sleep", 0.05)) for i in range(120)]
    outcomes = done(cluster, tasks, plan=WorkerPlan(PLAN.opener, {"batch": 1}))
    (bad,) = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert bad.name == "t30"
    assert bad.message in ("machine0: the GPU is gone", "machine1: the GPU is gone")


def test_a_full_disk_names_the_machine_that_found_it(cluster: Cluster) -> None:
    (outcome,) = done(cluster, [Task("t", ("full",))])
    assert isinstance(outcome, Failed)
    assert outcome.message in ("machine0: the disk is full", "machine1: the disk is full")


def test_what_is_in_hand_when_a_run_fails_comes_before_it_ends(cluster: Cluster) -> None:
    tasks = Tasks(Task(f"t{i:02}", ("sleep", 0.5)) for i in range(100))
    outcomes: list[Outcome] = []
    dispatcher = Dispatcher(cluster, WorkerPlan(PLAN.opener, {"batch": 1}), None, None, lambda _event: None)

    def run() -> None:
        for _, outcome in dispatcher.run(tasks):
            outcomes.append(outcome)
            dispatcher.give_up(EnvironmentFault("no machine will do"))

    with pytest.raises(EnvironmentFault, match="no machine"):
        run()
    assert 1 < len(outcomes) == tasks.given < 10


def test_what_a_listener_finds_wrong_drops_nothing_either(cluster: Cluster, tmp_path: Path) -> None:
    """As a machine that is refused in the middle of a run."""
    tasks = Tasks(Task(f"t{i:02}", ("fail", str(tmp_path / "log")) if i == 4 else ("sleep", 0.3)) for i in range(100))
    outcomes: list[Outcome] = []

    def listen(event: ClusterEvent) -> None:
        if event.kind == "retry":
            raise EnvironmentFault("the machine is refused")

    dispatcher = Dispatcher(cluster, WorkerPlan(PLAN.opener, {"batch": 1}), None, None, listen)
    with pytest.raises(EnvironmentFault, match="refused"):
        outcomes.extend(outcome for _, outcome in dispatcher.run(tasks))
    assert len(outcomes) == tasks.given - 1


def test_what_cannot_be_given_out_takes_nothing_with_it_that_was(cluster: Cluster) -> None:
    class Breaks(Tasks):
        def poll(self, most: int) -> list[Task] | None:
            if self.given > 4:
                raise EnvironmentFault("the inputs are gone", "look for them")
            return super().poll(most)

    tasks = Breaks(Task(f"t{i:02}", ("sleep", 0.3)) for i in range(100))
    outcomes: list[Outcome] = []
    with pytest.raises(EnvironmentFault, match="the inputs are gone"):
        outcomes.extend(outcome for _, outcome in Dispatcher(cluster, PLAN, None, None, lambda _event: None).run(tasks))
    assert len(outcomes) == tasks.given == 8


def test_where_all_workers_hang_the_run_ends_and_names_them(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "SILENCE", 3.0)
    monkeypatch.setattr(staff, "_QUESTIONS", 0.2)
    monkeypatch.setattr(backlog, "SILENT", 1.0)
    tasks = [*(Task(f"t{i:02}", None) for i in range(20)), Task("z", ("stuck",))]
    events: list[ClusterEvent] = []
    said = (
        r"all workers hang: no sign of getting on from machine0 \(1 worker\) for \d+ s, machine1 \(1 worker\) for \d+ s"
    )
    with pytest.raises(EnvironmentFault, match=said) as caught:
        done(cluster, tasks, events)
    assert "--resume" in caught.value.hint


def test_what_takes_long_and_gets_on_is_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "SILENCE", 2.0)
    monkeypatch.setattr(staff, "_QUESTIONS", 0.2)
    outcomes = done(cluster, [Task("t", ("long", 50))])
    assert [type(outcome) for outcome in outcomes] == [Done]


def test_files_that_go_to_all_workers_are_packed_once(cluster: Cluster) -> None:
    packed: list[int] = []

    class Attached:
        def __reduce__(self) -> Any:
            packed.append(threading.get_ident())
            return dict, ()

    events: list[ClusterEvent] = []
    plan = WorkerPlan(PLAN.opener, {"batch": 1, "attached": Attached()})
    done(cluster, _until_two_are_ready(events), events, plan)
    assert kinds(events)["worker"] == 2
    assert len(packed) == 1


def _until_two_are_ready(events: list[ClusterEvent]) -> Any:
    end = time.monotonic() + 60
    for number in range(1000):
        if kinds(events)["worker"] == 2 or time.monotonic() > end:
            return
        yield Task(f"t{number:03}", ("sleep", 0.1))
