"""Tasks on a real cluster: each has one outcome, whatever dies."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from i2s_trt.cluster import backlog, staff
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.scratch import scratch_root
from i2s_trt.cluster.tasks import Done, Failed, Outcome, Task
from i2s_trt.errors import EnvironmentFault, UsageError

PLAN = WorkerPlan("tests.cluster.odd:open_odd", {"batch": 4})


class Tasks:
    """Gives tasks as they are asked for, and notes how many."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self.given = 0

    def poll(self, most: int) -> list[Task] | None:
        group = list(islice(self._tasks, most))
        self.given += len(group)
        return group or None


def done(
    cluster: Cluster, tasks: Iterable[Task], events: list[ClusterEvent] | None = None, plan: WorkerPlan = PLAN
) -> list[Outcome]:
    """The outcomes of some tasks."""
    listen = (lambda _event: None) if events is None else events.append
    return [outcome for _, outcome in Dispatcher(cluster, plan, None, None, listen).run(Tasks(tasks))]


def kinds(events: Iterable[ClusterEvent]) -> Counter[str]:
    return Counter(event.kind for event in events)


def names(outcomes: Iterable[Outcome]) -> list[str]:
    return sorted(outcome.name for outcome in outcomes)


def tasks_until(workers: int, events: list[ClusterEvent], given: list[str], seconds: float) -> Iterator[Task]:
    """Tasks until so many workers have come, which a busy computer takes long for, and a hundred more."""
    left, end = 100, time.monotonic() + 60
    while left and time.monotonic() < end:
        left -= kinds(events)["worker"] == workers
        given.append(f"t{len(given):05}")
        yield Task(given[-1], ("sleep", seconds))


def test_every_machine_takes_part_and_every_task_is_done_once(cluster: Cluster) -> None:
    events: list[ClusterEvent] = []
    given: list[str] = []
    outcomes = done(cluster, tasks_until(2, events, given, 0.01), events)
    assert names(outcomes) == given
    workers = [event.data["node"] for event in events if event.kind == "worker"]
    assert sorted(workers) == ["machine0", "machine1"]
    pids = {outcome.value[1] for outcome in outcomes if isinstance(outcome, Done)}
    assert len(pids) == 2


def test_a_worker_that_is_killed_loses_nothing(cluster: Cluster) -> None:
    events: list[ClusterEvent] = []
    given: list[str] = []
    killed = False
    dispatcher = Dispatcher(cluster, PLAN, None, None, events.append)
    outcomes: list[Outcome] = []
    for _, outcome in dispatcher.run(Tasks(tasks_until(3, events, given, 0.02))):
        outcomes.append(outcome)
        if len(outcomes) > 10 and not killed and isinstance(outcome, Done):
            os.kill(outcome.value[1], signal.SIGKILL)
            killed = True
    assert names(outcomes) == given
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert kinds(events)["lost"] == 1
    assert kinds(events)["worker"] == 3


def test_a_task_that_ends_workers_is_tried_elsewhere_once_and_reported(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "deaths"
    tasks = [Task(f"t{i:02}", ("die", str(log)) if i == 9 else None) for i in range(40)]
    events: list[ClusterEvent] = []
    outcomes = done(cluster, tasks, events)
    assert names(outcomes) == [f"t{i:02}" for i in range(40)]
    (failed,) = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert failed.name == "t09"
    assert "two workers ended while they made it" in failed.message
    assert len(log.read_text().splitlines()) == 3  # in company, alone, and alone elsewhere
    (retry,) = [event for event in events if event.kind == "retry"]
    assert retry.data["name"] == "t09"


def test_a_task_that_fails_is_tried_once_on_the_other_worker(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "failures"
    tasks = [Task(f"t{i}", ("fail", str(log)) if i == 3 else ("sleep", 0.02)) for i in range(60)]
    outcomes = done(cluster, tasks)
    (failed,) = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert (failed.name, failed.message, failed.hint) == ("t3", "this one is odd", "leave it out")
    first, second = log.read_text().splitlines()
    assert first != second


def test_a_slow_machine_takes_less(cluster: Cluster) -> None:
    plan = WorkerPlan(PLAN.opener, {"batch": 1})
    tasks = [*(Task(f"a{i}", ("sleep", 0.5)) for i in range(4)), *(Task(f"t{i:02}", ("slow",)) for i in range(60))]
    outcomes = [outcome for outcome in done(cluster, tasks, plan=plan) if isinstance(outcome, Done)]
    by_worker = Counter(outcome.value[0].rpartition("-")[0] for outcome in outcomes if outcome.name[0] == "t")
    assert by_worker["worker-0"] < 20 < by_worker["worker-1"]


def test_the_worker_after_one_that_ended_with_several_tasks_takes_half_as_many(cluster: Cluster) -> None:
    events: list[ClusterEvent] = []
    plan = WorkerPlan(PLAN.opener, {"batch": 4, "scratch": True})
    tasks = [Task(f"t{i:02}", ("heavy",)) for i in range(30)]
    outcomes = done(cluster, tasks, events, plan)
    assert names(outcomes) == [task.name for task in tasks]
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    smaller = [event.data["batch"] for event in events if event.kind == "smaller"]
    assert {2} <= set(smaller) <= {2, 1}
    assert kinds(events)["retry"] == 0
    assert sorted(scratch_root().iterdir()) == [], "killed workers' folders are swept, the last ones removed"


def test_what_hangs_is_done_by_another(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LATE", 1.0)
    tasks = [*(Task(f"a{i}", ("sleep", 0.1)) for i in range(40)), *(Task(f"t{i:02}", ("hang",)) for i in range(20))]
    outcomes = done(cluster, tasks)
    assert names(outcomes) == sorted(task.name for task in tasks)
    assert all(isinstance(outcome, Done) for outcome in outcomes)


def test_what_fails_beside_a_worker_that_hangs_holds_up_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backlog, "LATE", 1.0)
    tasks = [task for i in range(20) for task in (Task(f"h{i:02}", ("hang",)), Task(f"a{i:02}", ("sleep", 0.1)))]
    tasks += [Task("bad", ("fail", str(tmp_path / "log"))), *(Task(f"z{i}", ("sleep", 0.1)) for i in range(6))]
    outcomes = done(cluster, tasks)
    assert names(outcomes) == sorted(task.name for task in tasks)
    assert [outcome.name for outcome in outcomes if isinstance(outcome, Failed)] == ["bad"]


def test_no_more_tasks_are_taken_than_workers_have_room_for(cluster: Cluster) -> None:
    dispatcher = Dispatcher(cluster, PLAN, None, None, lambda _event: None)
    tasks = Tasks(Task(f"t{i}", None) for i in range(10**9))
    results = dispatcher.run(tasks)
    next(results)
    time.sleep(1)
    assert tasks.given <= 2 * 2 * 4
    results.close()  # type: ignore[attr-defined]


def test_without_any_worker_it_does_not_wait_for_ever(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "PATIENCE", 1.0)
    with pytest.raises(EnvironmentFault, match="no machine of the cluster had room"):
        done(Cluster(1, 1, 77.0, 0.0), [Task("t", None)])


def test_a_machine_without_what_it_needs_is_named(cluster: Cluster) -> None:
    with pytest.raises(EnvironmentFault, match=r"machine\d: the package nowhere is missing"):
        done(cluster, [Task("t", None)], plan=WorkerPlan("nowhere:open"))


def test_what_looks_like_a_users_mistake_there_names_the_machine_too(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match=r"^machine\d: no device named foo"):
        done(cluster, [Task("t", None)], plan=WorkerPlan("tests.cluster.odd:open_mistaken"))
