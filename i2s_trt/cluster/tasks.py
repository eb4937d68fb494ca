"""What goes to a worker and comes back: nothing but data, so that any worker can do any task, twice if need be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Kind = Literal["task", "memory", "machine", "disk"]


@dataclass(frozen=True)
class Task:
    """Something to be done.

    Attributes:
        name: of its result, fixed in the plan and different from all others'.
        payload: what it is done with; data.
    """

    name: str
    payload: Any


@dataclass(frozen=True)
class Done:
    """A task that was done.

    Attributes:
        name: the task's.
        value: its result; data.
    """

    name: str
    value: Any


@dataclass(frozen=True)
class Failed:
    """A task that was not done.

    Attributes:
        name: the task's.
        message, hint: as of an `I2sError`.
        kind: `task` when it may be the task's own fault, `memory` when the device had too little, `machine` when the
            worker's machine cannot do it, `disk` when nothing more can be written to the folder that all share.
    """

    name: str
    message: str
    hint: str = ""
    kind: Kind = "task"


Outcome = Done | Failed


@dataclass(frozen=True)
class Hello:
    """What a worker says when it is ready.

    Attributes:
        device: that it computes on.
        engine: what it computes with, for the record.
        batch: tasks that it likes to take at a time.
        threads: groups of tasks that it works on at a time.
        cpu_threads: of PyTorch or ONNX Runtime, for the record; 0 on a GPU.
    """

    device: str
    engine: str
    batch: int
    threads: int
    cpu_threads: int = 0


@dataclass(frozen=True)
class Answer:
    """What became of a group of tasks.

    Attributes:
        outcomes: one for each task, in their order.
        batch: tasks that the worker likes to take from now on.
    """

    outcomes: Sequence[Outcome]
    batch: int


@dataclass(frozen=True)
class Sign:
    """How far a worker is.

    Attributes:
        progress: as of its `Workshop`.
        news: what it has so far of tasks in hand, by their names; see `Workshop`.
    """

    progress: int
    news: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Bench:
    """A worker's own place.

    Attributes:
        token: of this worker, of no other and of no earlier one.
        folder: on the shared output folder, where its results wait for the driver; None when the driver gets them.
    """

    token: str
    folder: Path | None


class Workshop(Protocol):
    """What a worker has built once, to do its tasks with."""

    @property
    def hello(self) -> Hello:
        """What it is."""
        ...

    @property
    def progress(self) -> int:
        """A number that grows while it works, at the least once in some minutes; asked from another thread."""
        ...

    def news(self) -> Mapping[str, bytes]:
        """What another worker could go on from, by the name of the task, where that has changed and the driver does
        not see it; called now and then from another thread.
        """
        ...

    def work(self, tasks: Sequence[Task]) -> Answer:
        """Do some tasks. Anything it raises means that the worker is of no use any more."""
        ...

    def stop(self) -> None:
        """End what is under way soon; called from another thread."""
        ...


class Feed(Protocol):
    """Where tasks come from; asked again and again."""

    def poll(self, most: int) -> list[Task] | None:
        """Some tasks, at once: none when they are still to come, None when there will be no more.

        Asked for 0 it gives none; whatever it raises ends the run, for instance that nobody wants the results any more.
        """
        ...


def in_groups(
    tasks: Sequence[Task], size: Callable[[], int], work: Callable[[Sequence[Task]], list[Outcome]]
) -> list[Outcome]:
    """The outcomes of tasks, a group at a time; `size` is asked before each, as memory may have run out in between."""
    outcomes: list[Outcome] = []
    rest = list(tasks)
    while rest:
        count = min(len(rest), size())
        outcomes += work(rest[:count])
        rest = rest[count:]
    return outcomes
