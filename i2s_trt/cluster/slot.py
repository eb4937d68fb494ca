"""A place for a worker: the actor that fills it now, and what that one is doing."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2s_trt.cluster.actor import remote_actor
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.tasks import Bench, Sign, Task
from i2s_trt.files import guard_os_errors

_THREADS = 16  # of an actor: more than it works with, so that `stop` and `sign` get through
_SOON = 60.0  # seconds in which a worker gets ready
_TO_LEAVE = 5.0  # seconds


@dataclass(eq=False)
class Attempt:
    """A task on its way.

    Attributes:
        task: what is to be done.
        blame: how often a worker failed while it did this task and no other.
        alone: whether it is given to a worker that has nothing else, to see whose fault it is.
        avoid: the slot and the machine where it failed.
        since: when it was given out, on the monotonic clock.
        copied: whether another worker was given the same, since this one takes so long.
    """

    task: Task
    blame: int = 0
    alone: bool = False
    avoid: tuple[int, str] = (-1, "")
    since: float = 0.0
    copied: bool = False


def end_all(slots: Sequence["Slot"]) -> None:
    """Kill all actors, once those that can have removed what they have on their machines."""
    import ray

    if leaving := [slot.leave() for slot in slots if slot.state in ("opening", "ready")]:
        ray.wait(leaving, num_returns=len(leaving), timeout=_TO_LEAVE)
    for slot in slots:
        slot.end()


@dataclass(eq=False)
class Slot:
    """A place for a worker.

    Attributes:
        number: of the slot.
        wish: Ray's name of the machine that it is for, where that came after the start.
        gpus: of the worker.
        state: `starting`, `opening`, `ready` or `retired`.
        token: of the actor that is there now.
        node, node_id: where it runs: address, and Ray's name.
        groups: what it is doing, by reference to the answer.
        call: the answer that a starting worker owes.
        asked: the answer that it owes to the question how far it is.
        batch, threads: what it likes to take.
        done: tasks it has done.
        most: tasks that it is given at a time at most, since one before it ended with more; 0 for as many as it likes.
        false_starts: how many actors in a row never got ready.
        faults: how often in a row its machine could not do what it should.
        heard: when it last gave a sign of getting on, on the monotonic clock.
    """

    number: int
    wish: str = ""
    gpus: float = 0.0
    state: str = "starting"
    token: str = ""
    node: str = ""
    node_id: str = ""
    groups: dict[Any, list[Attempt]] = field(default_factory=dict)
    call: Any = None
    asked: Any = None
    batch: int = 1
    threads: int = 1
    done: int = 0
    most: int = 0
    false_starts: int = 0
    faults: int = 0
    heard: float = 0.0
    _actor: Any = None
    _bench: Bench | None = None
    _since: float = 0.0
    _progress: int = 0
    _asked_at: float = 0.0

    def start(self, cluster: Cluster, partial: Path | None) -> None:
        """Ask Ray for an actor; `partial` is the folder on the shared disk where it gets one of its own.

        Raises:
            EnvironmentFault: none can be made there.
        """
        self.token = f"worker-{self.number}-{secrets.token_hex(4)}"
        folder = None if partial is None else partial / self.token
        if folder is not None:
            with guard_os_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
        self._bench = Bench(self.token, folder)
        self._actor = remote_actor(self.wish, num_cpus=cluster.cpus, num_gpus=self.gpus, max_concurrency=_THREADS)
        self.state, self.groups, self._since = "starting", {}, time.monotonic()
        self.node = self.node_id = ""
        self.asked, self._progress = None, 0
        self.call = self._actor.identify.remote()

    def open(self, plan: Any, model: Any) -> None:
        """Have the actor build what tasks need."""
        self.state = "opening"
        self.call = self._actor.open.remote(plan, model, self._bench)

    def retire(self) -> None:
        """No actor fills it any more."""
        self.end()
        self.state, self.groups, self.call, self.asked = "retired", {}, None, None

    def likes(self, batch: int) -> int:
        """How many tasks it is given at a time when it would take so many."""
        return min(batch, self.most) if self.most else batch

    def halve(self) -> None:
        """It has ended: if it was doing several tasks at a time, the next one is given half as many."""
        if (largest := max(map(len, self.groups.values()), default=0)) > 1:
            self.most = largest // 2

    def give(self, group: list[Attempt]) -> None:
        """Give it tasks."""
        now = time.monotonic()
        if not self.groups:
            self.heard = self._asked_at = now
        for attempt in group:
            attempt.since = now
        self.groups[self._actor.work.remote([attempt.task for attempt in group])] = group

    def ask(self, every: float) -> None:
        """Ask how far it is, if it is time, and no question is open."""
        if self.groups and self.asked is None and time.monotonic() - self._asked_at > every:
            self._asked_at = time.monotonic()
            self.asked = self._actor.sign.remote()

    def hear(self, sign: Sign) -> None:
        """It has said how far it is."""
        self.asked = None
        if sign.progress != self._progress:
            self._progress, self.heard = sign.progress, time.monotonic()

    @property
    def in_hand(self) -> list[Attempt]:
        """All that it is doing."""
        return [attempt for group in self.groups.values() for attempt in group]

    @property
    def is_promising(self) -> bool:
        """Whether it works, or may soon; an actor that Ray finds no room for stays `starting`."""
        return self.state == "ready" or (self.state != "retired" and time.monotonic() - self._since < _SOON)

    def is_silent(self, seconds: float) -> bool:
        """Whether it is doing something, and has given no sign of it for so many seconds."""
        return bool(self.groups) and time.monotonic() - self.heard > seconds

    def late(self, seconds: float, silent: float) -> list[Attempt]:
        """What it has been doing for longer than so many seconds, or without a sign, and no other was given."""
        before, silence = time.monotonic() - seconds, self.is_silent(silent)
        return [one for one in self.in_hand if (silence or one.since < before) and not one.copied]

    def hangs(self, seconds: float) -> bool:
        """Whether it has been doing all that it does for longer than so many seconds."""
        before = time.monotonic() - seconds
        return bool(self.groups) and all(one.since < before for one in self.in_hand)

    def has_room(self) -> bool:
        """Whether it can take another group."""
        busy_alone = any(attempt.alone for attempt in self.in_hand)
        return self.state == "ready" and len(self.groups) < self.threads and not busy_alone

    def ask_to_stop(self) -> None:
        """Have it end what is under way soon."""
        if self.state == "ready":
            self._actor.stop.remote()

    def end(self) -> None:
        """Kill the actor."""
        import ray

        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None

    def leave(self) -> Any:
        """Ask the actor to leave nothing on its machine; the reference to its answer."""
        return self._actor.leave.remote()

    @property
    def references(self) -> Sequence[Any]:
        """What answers it owes."""
        return [*self.groups, *(owed for owed in (self.call, self.asked) if owed is not None)]
