"""Who is given what, without a cluster: nothing twice in one place, and again from where the last one came to."""

import time
from dataclasses import replace

import pytest

from i2s_trt.cluster import backlog as backlogs
from i2s_trt.cluster.backlog import Backlog
from i2s_trt.cluster.slot import Attempt, Slot
from i2s_trt.cluster.tasks import Task

TASK = Task("t", None)


class Feed:
    """Has these tasks, once."""

    def __init__(self, *tasks: Task) -> None:
        self._tasks = list(tasks)

    def poll(self, most: int) -> list[Task] | None:
        tasks, self._tasks = self._tasks[:most], self._tasks[most:]
        return tasks or None


def workers(count: int) -> list[Slot]:
    return [Slot(number, state="ready", batch=4, threads=2, node_id=f"n{number}") for number in range(count)]


def given(slot: Slot, attempts: list[Attempt], ago: float = 0.0) -> list[Attempt]:
    """Note that a worker has got these so many seconds ago."""
    slot.heard = time.monotonic() - ago
    for attempt in attempts:
        attempt.since = slot.heard
    slot.groups[object()] = attempts
    return attempts


def begun(slots: list[Slot], *tasks: Task) -> Backlog:
    """The first worker has got everything."""
    found = Backlog(slots, lambda task: replace(task, payload="further"))
    given(slots[0], found.group(slots[0], Feed(*tasks)))
    assert found.group(slots[0], Feed()) == []
    return found


def test_what_a_worker_is_doing_it_is_not_given_again() -> None:
    """Another was given the same, and failed: both would write into one file."""
    slots = workers(1)
    backlog = begun(slots, TASK)
    backlog.put_back(Attempt(TASK, 1, avoid=(7, "n7")))
    assert backlog.group(slots[0], Feed()) == []
    slots[0].groups.clear()
    (again,) = backlog.group(slots[0], Feed())
    assert (again.task.name, again.blame) == ("t", 1)


def test_what_two_have_lost_is_done_once() -> None:
    slots = workers(2)
    backlog = begun(slots, TASK)
    slots[0].groups.clear()
    backlog.put_back(Attempt(TASK, 0))
    backlog.put_back(Attempt(TASK, 1, alone=True, avoid=(0, "n0")))
    (again,) = backlog.group(slots[1], Feed())
    assert (again.blame, again.alone, again.avoid) == (1, True, (0, "n0"))
    given(slots[1], [again])
    slots[1].groups.clear()
    assert backlog.group(slots[1], Feed()) == []


def test_what_is_late_at_two_is_copied_once_and_goes_on_from_the_last_snapshot() -> None:
    slots = workers(3)
    backlog = begun(slots, TASK)
    given(slots[0], slots[0].in_hand, 100.0)
    given(slots[1], [Attempt(TASK)], 100.0)
    backlog.note(1.0)
    (copy,) = backlog.group(slots[2], Feed())
    assert copy.task.payload == "further"
    assert not copy.copied


def test_the_first_tasks_may_take_long_as_long_as_their_workers_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = workers(2)
    backlog = begun(slots, TASK)
    given(slots[0], slots[0].in_hand, 200.0)
    assert backlog.group(slots[1], Feed()) == []
    monkeypatch.setattr(backlogs, "SILENT", 100.0)
    assert len(backlog.group(slots[1], Feed())) == 1
