"""Gives tasks to workers as they ask for them, and sees to it that every task has one outcome, whatever dies."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2s_trt import __version__
from i2s_trt.cluster.backlog import Backlog
from i2s_trt.cluster.events import ClusterEvent, Listen
from i2s_trt.cluster.faults import alive_nodes, refusal, why
from i2s_trt.cluster.head import Head
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.metrics import DONE, LOST, RETRIED, Metrics
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.slot import Attempt, Slot
from i2s_trt.cluster.staff import Staff
from i2s_trt.cluster.tasks import Answer, Done, Failed, Feed, Outcome, Task
from i2s_trt.errors import I2sError

if TYPE_CHECKING:
    from i2s_trt.cluster.model import ModelParcel

_BLAMES = 2  # a task that two workers failed at is given up
_WAIT = 0.5  # seconds between looks at whether anybody still wants the results
_STARVED = 0.01  # seconds between looks for more tasks
LAST = 60.0  # seconds that what is in hand has to come back in when the run has failed, or is to stop


class Dispatcher:
    """Does tasks on a cluster.

    Args:
        cluster, plan, model, partial, listen: as of its `Staff`.
        should_stop: asked now and then; true ends what is under way soon, and gives out nothing more; what has not come
            after a minute is left.
        renew: a task that is done again, with what the first worker left of it.
        keep: called with a worker's token and what it has so far of a task, by name, where it sends that back.
    """

    def __init__(
        self,
        cluster: Cluster,
        plan: WorkerPlan,
        model: "ModelParcel | None",
        partial: Path | None,
        listen: Listen,
        should_stop: Callable[[], bool] = lambda: False,
        renew: Callable[[Task], Task] = lambda task: task,
        keep: Callable[[str, str, bytes], None] = lambda _token, _name, _data: None,
    ) -> None:
        self._should_stop, self._listen, self._head = should_stop, listen, Head(cluster.head)
        self._keep = keep
        self._staff = Staff(cluster, plan, model, partial, listen)
        self._backlog = Backlog(self._staff.slots, renew)
        self._by_node: Counter[str] = Counter()
        self._metrics: Metrics
        self._stopping, self._until = False, float("inf")
        self._fault: I2sError | None = None

    def run(self, feed: Feed) -> Iterator[tuple[str, Outcome]]:
        """The outcome of every task and the token of the worker it comes from, as they come.

        Raises:
            I2sError: a machine cannot take part, no worker is left, none of them gets on, or the head is gone; once
                what was in hand has come.
        """
        with self.started():
            yield from self.go_on(feed)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Have workers, for `go_on` to be called as often as there are more tasks."""
        self._metrics = Metrics()
        try:
            self._staff.start()
            yield
        finally:
            self._metrics.tell(now=True)
            if not self._head.is_lost:
                self._staff.end()

    def go_on(self, feed: Feed) -> Iterator[tuple[str, Outcome]]:
        """What `run` gives, from workers that are there already and stay. Raises as `run` does."""
        self._backlog.has_ended = False
        self._staff.seen()
        while self._goes_on(feed):
            try:
                yield from self._hear()
                feed.poll(0)
            except I2sError as fault:
                self.give_up(fault)
        if self._stopping and self._fault is None:
            self._tell_of_what_is_left()
        if self._fault is not None:
            raise self._fault

    def give_up(self, fault: I2sError) -> None:
        """Give out nothing more; `run` raises this fault, the first one, once what is in hand has come."""
        can_answer = not self._head.is_lost and self._staff.can_answer
        self._fault = self._fault or fault
        self._stop(LAST if can_answer else 0.0)

    def rates(self) -> Mapping[str, float]:
        """Tasks a second that each machine has done since the first worker was ready."""
        seconds = max(1e-9, time.monotonic() - self._staff.begun)
        return {node: count / seconds for node, count in sorted(self._by_node.items())}

    def _stop(self, seconds: float) -> None:
        """Give out nothing more, and wait so long for what is in hand: a worker may hang."""
        self._until = min(self._until, time.monotonic() + seconds)
        if not self._stopping:
            self._stopping = True
            for slot in [] if self._head.is_lost else self._staff.slots:
                slot.ask_to_stop()

    def _tell_of_what_is_left(self) -> None:
        for slot in self._staff.slots:
            if count := sum(self._backlog.is_open(one.task.name) for one in slot.in_hand):
                self._listen(ClusterEvent("left", {"worker": slot.number, "node": slot.node, "tasks": count}))

    def _goes_on(self, feed: Feed) -> bool:
        try:
            return self._hand_out(feed)
        except I2sError as fault:  # of the feed: what others have in hand comes all the same
            self.give_up(fault)
            return self._hand_out(feed)

    def _hand_out(self, feed: Feed) -> bool:
        """Give every worker what it has room for, the idlest first. False when everything is done."""
        if self._should_stop():
            self._stop(LAST)
        if self._stopping:
            return any(slot.groups for slot in self._staff.slots) and time.monotonic() < self._until
        while True:
            given = False
            for slot in sorted(filter(Slot.has_room, self._staff.slots), key=lambda slot: len(slot.groups)):
                if group := self._backlog.group(slot, feed):
                    slot.give(group)
                    given = True
            if not given:
                return not self._backlog.is_done

    def _hear(self) -> Iterator[tuple[str, Outcome]]:
        """Wait for answers, and take those that are there."""
        import ray

        # a head that went since the last look would be waited for, until Ray ends the process
        if self._head.look() and self._staff.may_grow and self._head.answers():
            self._staff.grow()
        self._metrics.tell()
        self._staff.ask()
        owed = {reference: slot for slot in self._staff.slots for reference in slot.references}
        starved = not self._stopping and not self._backlog.has_ended and any(map(Slot.has_room, self._staff.slots))
        seconds = _STARVED if starved or not owed else _WAIT
        answers = ray.wait(list(owed), num_returns=1, timeout=seconds)[0] if owed else []
        time.sleep(0.0 if owed else seconds)
        for reference in answers:
            yield from self._take(owed[reference], reference)
        self._staff.must_work()

    def _take(self, slot: Slot, reference: Any) -> Iterator[tuple[str, Outcome]]:
        import ray

        try:
            answer = ray.get(reference)
        except ray.exceptions.RayError as error:
            if slot.call is not None and (fault := refusal(error, slot.node, __version__)):
                self._staff.refuse(slot, fault)
            else:
                yield from self._lose(slot, reference, error)
            return
        if reference == slot.call:
            self._staff.welcome(slot, answer)
        elif reference == slot.asked:
            slot.hear(answer)
            for name in filter(self._backlog.is_open, answer.news):
                self._keep(slot.token, name, answer.news[name])
        else:
            group = slot.groups.pop(reference)
            slot.heard = time.monotonic()
            self._backlog.note(slot.heard - group[0].since)
            yield from self._settle(slot, group, answer)

    def _settle(self, slot: Slot, group: list[Attempt], answer: Answer) -> Iterator[tuple[str, Outcome]]:
        self._staff.take_fewer(slot, answer.batch)
        reason = ""
        for attempt, outcome in zip(group, answer.outcomes, strict=True):
            if isinstance(outcome, Done):
                slot.faults = 0
            elif outcome.kind == "machine":
                reason = reason or outcome.message
            if not self._backlog.is_open(outcome.name):
                continue  # another worker was faster
            if isinstance(outcome, Failed) and self._is_given_another(attempt, slot, outcome):
                continue
            yield slot.token, self._finished(slot, outcome)
        if reason:
            self._dismiss(slot, reason)

    def _is_given_another(self, attempt: Attempt, slot: Slot, failed: Failed) -> bool:
        """Whether a task that failed is tried again, on another worker if there is one."""
        # where a machine is at fault the task is not, unless others were done by this very worker since
        blame = int(failed.kind != "machine" or attempt.avoid[0] != slot.number or not slot.faults)
        if failed.kind == "disk" or attempt.blame + blame >= _BLAMES:
            return False
        self._retry(attempt, slot, failed.message, blame, alone=attempt.alone)
        return True

    def _finished(self, slot: Slot, outcome: Outcome) -> Outcome:
        """An outcome, counted; a fault of a machine's names it."""
        self._backlog.settle(outcome.name)
        slot.done += 1
        self._by_node[slot.node] += 1
        self._metrics.count(DONE, slot.node)
        if isinstance(outcome, Failed) and outcome.kind in ("machine", "disk"):
            return replace(outcome, message=f"{slot.node}: {outcome.message}")
        return outcome

    def _lose(self, slot: Slot, reference: Any, error: Exception) -> Iterator[tuple[str, Outcome]]:
        """A worker has ended: another takes its place, and what it was doing is done again."""
        self._head.must_answer()
        reason = why(error)
        removed = bool(slot.node_id) and slot.node_id not in alive_nodes()
        self._tell_of_loss(slot, reason, removed=removed)
        for attempt in [one for one in slot.in_hand if self._backlog.is_open(one.task.name)]:
            blame = int(attempt.alone and not removed)
            if attempt.blame + blame >= _BLAMES:
                self._backlog.settle(attempt.task.name)
                self._metrics.count(DONE, slot.node)
                yield slot.token, Failed(attempt.task.name, f"two workers ended while they made it: {reason}")
            else:
                self._retry(attempt, slot, reason, blame, alone=not removed)
        if not removed:
            slot.halve()  # it may have been too much for the memory: a killer says nothing
        slot.false_starts += reference == slot.call and not removed
        self._staff.replace(slot, reason)

    def _dismiss(self, slot: Slot, reason: str) -> None:
        """A worker's machine cannot do what it should: perhaps a fresh process can."""
        self._tell_of_loss(slot, reason, removed=False)
        for attempt in [one for one in slot.in_hand if self._backlog.is_open(one.task.name)]:
            self._retry(attempt, slot, reason, 0, alone=attempt.alone)
        slot.faults += 1
        self._staff.replace(slot, reason)

    def _tell_of_loss(self, slot: Slot, reason: str, *, removed: bool) -> None:
        about = {"worker": slot.number, "node": slot.node, "removed": removed, "reason": reason}
        self._listen(ClusterEvent("lost", about))
        self._metrics.count(LOST, slot.node)

    def _retry(self, attempt: Attempt, slot: Slot, reason: str, blame: int, *, alone: bool) -> None:
        if blame:
            self._listen(ClusterEvent("retry", {"name": attempt.task.name, "node": slot.node, "reason": reason}))
            self._metrics.count(RETRIED, slot.node)
        avoid = (slot.number, slot.node_id) if blame else attempt.avoid
        self._backlog.put_back(Attempt(attempt.task, attempt.blame + blame, alone, avoid))
