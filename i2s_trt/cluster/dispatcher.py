"""Gives tasks to workers as they ask for them, and sees to it that every task has one outcome, whatever dies."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2s_trt import __version__
from i2s_trt.cluster.events import ClusterEvent, Listen
from i2s_trt.cluster.faults import alive_nodes, node_name, refusal, refuse_other_versions, why
from i2s_trt.cluster.head import Head
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.metrics import DONE, LOST, RETRIED, Metrics
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.slot import Attempt, Slot, end_all
from i2s_trt.cluster.tasks import Answer, Failed, Feed, Hello, Outcome, Task
from i2s_trt.errors import EnvironmentFault

if TYPE_CHECKING:
    from i2s_trt.cluster.model import ModelParcel

_FALSE_STARTS = 3
_BLAMES = 2  # a task that two workers failed at is given up
_WAIT = 0.5  # seconds between looks at whether anybody still wants the results
_STARVED = 0.01  # seconds between looks for more tasks
LATE = 30.0  # seconds after which, in the end, an idle worker does what another may never be done with
PATIENCE = 600.0  # seconds without a single worker


class Dispatcher:
    """Does tasks on a cluster.

    Args:
        cluster: that was joined.
        plan: what workers do.
        model: with which; None where they need none.
        partial: folder on a disk that all machines share, for what workers write; None when they give it back.
        listen: called with what happens.
        should_stop: asked now and then; true ends what is under way soon, and gives out nothing more.
        renew: a task that is done again, with what the first worker left of it.
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
    ) -> None:
        self._should_stop, self._renew, self._stopping = should_stop, renew, False
        self._cluster, self._plan, self._model, self._partial, self._listen = cluster, plan, model, partial, listen
        self._head = Head(cluster.head)
        self._slots = [Slot(number) for number in range(cluster.workers)]
        self._again: list[Attempt] = []
        self._ended = False  # whether the feed has
        self._open: set[str] = set()  # tasks that were given out and have no outcome yet
        self._longest = 0.0  # seconds that a worker took for a group so far
        self._by_node: Counter[str] = Counter()
        self._begun = self._last_seen = time.monotonic()
        self._metrics: Metrics
        self._last_words = ""

    def run(self, feed: Feed) -> Iterator[tuple[str, Outcome]]:
        """The outcome of every task and the token of the worker it comes from, as they come.

        Raises:
            EnvironmentFault: a machine cannot take part, no worker is left, or the head is gone.
        """
        with self.started():
            yield from self.go_on(feed)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Have workers, for `go_on` to be called as often as there are more tasks."""
        self._metrics = Metrics()
        try:
            for slot in self._slots:
                slot.start(self._cluster, self._partial)
            yield
        finally:
            self._metrics.tell(now=True)
            if not self._head.is_lost:
                end_all(self._slots)

    def go_on(self, feed: Feed) -> Iterator[tuple[str, Outcome]]:
        """What `run` gives, from workers that are there already and stay. Raises as `run` does."""
        self._ended, self._last_seen = False, time.monotonic()
        while self._hand_out(feed):
            yield from self._hear()
            feed.poll(0)

    def rates(self) -> Mapping[str, float]:
        """Tasks a second that each machine has done since the first worker was ready."""
        seconds = max(1e-9, time.monotonic() - self._begun)
        return {node: count / seconds for node, count in sorted(self._by_node.items())}

    def _hand_out(self, feed: Feed) -> bool:
        """Give every worker what it has room for, the idlest first. False when everything is done."""
        if not self._stopping and self._should_stop():
            self._stopping = self._ended = True
            for slot in self._slots:
                slot.ask_to_stop()
        if self._stopping:
            return any(slot.groups for slot in self._slots)
        while True:
            given = False
            for slot in sorted(filter(Slot.has_room, self._slots), key=lambda slot: len(slot.groups)):
                if group := self._group(slot, feed):
                    slot.give(group)
                    given = True
            if not given:
                return bool(not self._ended or self._open)

    def _group(self, slot: Slot, feed: Feed) -> list[Attempt]:
        self._again = [attempt for attempt in self._again if attempt.task.name in self._open]
        suits = [attempt for attempt in self._again if self._may_try(attempt, slot)]
        lone = [attempt for attempt in suits if attempt.alone][:1]
        if lone and slot.groups:
            return []  # it gets nothing more until it can take that one
        if chosen := lone or suits[: slot.batch]:
            self._again = [attempt for attempt in self._again if attempt not in chosen]
            return chosen
        if self._ended:
            return self._copies(slot)
        tasks = feed.poll(slot.batch)
        self._ended, tasks = tasks is None, tasks or []
        self._open |= {task.name for task in tasks}
        return [Attempt(task) for task in tasks]

    def _copies(self, slot: Slot) -> list[Attempt]:
        """For a worker that nothing is left for: what another may never be done with. Whoever is first counts."""
        if slot.groups or not self._longest:
            return []
        late = [one for other in self._slots for one in other.late(self._too_long())]
        chosen = [one for one in late if one.alone][:1] or late[: slot.batch]
        for attempt in chosen:
            attempt.copied = True
        return [Attempt(one.task, one.blame, one.alone, one.avoid) for one in chosen]

    def _too_long(self) -> float:
        """Seconds after which a group may never be done."""
        return max(LATE, 3 * self._longest)

    def _may_try(self, attempt: Attempt, slot: Slot) -> bool:
        """Not where it failed, as long as there is somewhere else; better on another machine."""
        number, node_id = attempt.avoid
        others = [
            other
            for other in self._slots
            if other.number != number and other.is_promising and not other.hangs(self._too_long())
        ]
        if not others:
            return True
        elsewhere = [other for other in others if other.node_id != node_id]
        return slot in (elsewhere or others)

    def _hear(self) -> Iterator[tuple[str, Outcome]]:
        """Wait for answers, and take those that are there."""
        import ray

        self._head.look()
        self._metrics.tell()
        owed = {reference: slot for slot in self._slots for reference in slot.references}
        starved = not self._ended and any(slot.has_room() for slot in self._slots)
        seconds = _STARVED if starved or not owed else _WAIT
        answers = ray.wait(list(owed), num_returns=1, timeout=seconds)[0] if owed else []
        time.sleep(0.0 if owed else seconds)
        for reference in answers:
            yield from self._take(owed[reference], reference)
        self._must_have_workers()

    def _take(self, slot: Slot, reference: Any) -> Iterator[tuple[str, Outcome]]:
        import ray

        try:
            answer = ray.get(reference)
        except ray.exceptions.RayError as error:
            self._refuse(slot, error)
            yield from self._lose(slot, reference, error)
            return
        if reference == slot.call:
            self._welcome(slot, answer)
            return
        group = slot.groups.pop(reference)
        self._longest = max(self._longest, time.monotonic() - group[0].since)
        yield from self._settle(slot, group, answer)

    def _welcome(self, slot: Slot, answer: Any) -> None:
        """A worker has said where it is, or that it is ready."""
        slot.call = None
        if not isinstance(answer, Hello):
            slot.node, slot.node_id = node_name(answer["node_id"]), answer["node_id"]
            refuse_other_versions(slot.node, answer["version"], __version__)
            slot.open(self._plan, self._model)
            return
        if not any(other.state == "ready" or other.done for other in self._slots):
            self._begun = time.monotonic()
        slot.state, slot.batch, slot.threads, slot.false_starts = "ready", answer.batch, answer.threads, 0
        about = {"device": answer.device, "engine": answer.engine, "threads": answer.cpu_threads}
        self._listen(ClusterEvent("worker", {"worker": slot.number, "node": slot.node, **about}))
        self._take_fewer(slot, answer.batch)

    def _settle(self, slot: Slot, group: list[Attempt], answer: Answer) -> Iterator[tuple[str, Outcome]]:
        self._take_fewer(slot, answer.batch)
        for attempt, outcome in zip(group, answer.outcomes, strict=True):
            if outcome.name not in self._open:
                continue  # another worker was faster
            if isinstance(outcome, Failed) and outcome.kind != "disk" and attempt.blame + 1 < _BLAMES:
                self._retry(attempt, slot, outcome.message, blame=1, alone=attempt.alone)
                continue
            self._open.discard(outcome.name)
            slot.done += 1
            self._by_node[slot.node] += 1
            self._metrics.count(DONE, slot.node)
            yield slot.token, outcome

    def _take_fewer(self, slot: Slot, batch: int) -> None:
        """A worker would take so many tasks at a time; say so if it takes fewer than it did."""
        batch = slot.likes(batch)
        if batch < slot.batch:
            self._listen(ClusterEvent("smaller", {"worker": slot.number, "node": slot.node, "batch": batch}))
        slot.batch = batch

    def _lose(self, slot: Slot, reference: Any, error: Exception) -> Iterator[tuple[str, Outcome]]:
        """A worker has ended: another takes its place, and what it was doing is done again."""
        self._head.must_answer()
        reason, groups = why(error), list(slot.groups.values())
        removed = bool(slot.node_id) and slot.node_id not in alive_nodes()
        self._last_words = f"a worker on {slot.node or 'some machine'}: {reason}"
        about = {"worker": slot.number, "node": slot.node, "removed": removed, "reason": reason}
        self._listen(ClusterEvent("lost", about))
        self._metrics.count(LOST, slot.node)
        for attempt in [one for group in groups for one in group if one.task.name in self._open]:
            blame = int(attempt.alone and not removed)
            if attempt.blame + blame >= _BLAMES:
                self._open.discard(attempt.task.name)
                self._metrics.count(DONE, slot.node)
                yield slot.token, Failed(attempt.task.name, f"two workers ended while they made it: {reason}")
            else:
                self._retry(attempt, slot, reason, blame, alone=not removed)
        if not removed:
            slot.halve()  # it may have been too much for the memory: a killer says nothing
        slot.false_starts += reference == slot.call and not removed
        slot.end()
        if slot.false_starts >= _FALSE_STARTS:
            slot.state, slot.groups, slot.call = "retired", {}, None
        else:
            slot.node = slot.node_id = ""
            slot.start(self._cluster, self._partial)

    def _retry(self, attempt: Attempt, slot: Slot, reason: str, blame: int, *, alone: bool) -> None:
        if blame:
            self._listen(ClusterEvent("retry", {"name": attempt.task.name, "node": slot.node, "reason": reason}))
            self._metrics.count(RETRIED, slot.node)
        avoid = (slot.number, slot.node_id) if blame else attempt.avoid
        self._again.append(Attempt(self._renew(attempt.task), attempt.blame + blame, alone, avoid))

    def _refuse(self, slot: Slot, error: Exception) -> None:
        """An error that says what is wrong with a machine ends the run: it would be the same again."""
        if slot.call is not None and (fault := refusal(error, slot.node, __version__)):
            raise fault

    def _must_have_workers(self) -> None:
        now = time.monotonic()
        if any(slot.state == "ready" for slot in self._slots):
            self._last_seen = now
        elif all(slot.state == "retired" for slot in self._slots) or now - self._last_seen > PATIENCE:
            raise EnvironmentFault(
                f"no worker is left ({self._last_words or 'no machine of the cluster had room'})",
                "look at the machines with `ray status`, and run the same command again with --resume",
            )
