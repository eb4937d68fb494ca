"""The workers of a run: replaced where they end, more where machines come, and given up where they are of no use."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2s_trt import __version__
from i2s_trt.cluster.events import ClusterEvent, Listen
from i2s_trt.cluster.faults import alive_nodes, node_name, refuse_other_versions
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.room import room_for
from i2s_trt.cluster.slot import Slot, end_all
from i2s_trt.cluster.tasks import Hello
from i2s_trt.errors import EnvironmentFault, I2sError

if TYPE_CHECKING:
    from i2s_trt.cluster.model import ModelParcel

_FAILURES = 3  # a worker that was of no use so often in a row is given up
_BETWEEN = 5.0  # seconds between looks for machines that have come
_QUESTIONS = 15.0  # seconds between questions how far a worker is
PATIENCE = 600.0  # seconds without a single worker
SILENCE = 1800.0  # seconds in which all that work give no sign of getting on
_LOOK = "look at the machines with `ray status`, and run the same command again with --resume"


class Staff:
    """Who works.

    Args:
        cluster: that was joined.
        plan: what workers do.
        model: with which; None where they need none.
        partial: folder on a disk that all machines share, for what workers write; None when they give it back.
        listen: called with what happens.

    Attributes:
        slots: a place for each worker.
        begun: when the first was ready, on the monotonic clock.
    """

    def __init__(
        self, cluster: Cluster, plan: WorkerPlan, model: "ModelParcel | None", partial: Path | None, listen: Listen
    ) -> None:
        self._cluster, self._plan, self._model, self._partial, self._listen = cluster, plan, model, partial, listen
        self._sent: Any = None
        self.slots: list[Slot] = []
        self.begun = self._last_seen = self._looked = time.monotonic()
        self._first: set[str] = set()  # machines that were there at the start
        self._known: set[str] = set()
        self._proven: set[str] = set()  # machines where a worker was ready
        self._unfit: set[str] = set()  # machines where one was given up
        self._last_words = ""

    def start(self) -> None:
        """Have as many actors as there is room for."""
        import ray

        nodes = alive_nodes()
        usual = {node_id: has for node_id, has in nodes.items() if self._gpus_on(has) == self._cluster.gpus}
        self._first, self._known = set(usual), set(usual)  # others have come since it was joined; `grow` sees them
        self._sent = ray.put(self._plan)  # once: it may hold files
        self._add(self._cluster.workers)
        self._add(self._most(list(usual.values())) - self._working)  # on machines that have come since, too
        self._tell_if_more(self._cluster.workers, len(nodes))

    def end(self) -> None:
        """Have none any more."""
        end_all(self.slots)

    def seen(self) -> None:
        """Begin to wait for workers."""
        self._last_seen = time.monotonic()

    @property
    def may_grow(self) -> bool:
        """Whether it is time to look for machines that have come."""
        return time.monotonic() - self._looked >= _BETWEEN

    def grow(self) -> None:
        """Have workers on machines that have come since the last look."""
        self._looked, nodes = time.monotonic(), alive_nodes()
        new = [node_id for node_id in nodes if node_id not in self._known]
        self._known |= set(new)
        most = self._most([has for node_id, has in nodes.items() if node_id not in self._unfit])
        before = self._working
        for node_id in new:
            self._add(min(self._room([nodes[node_id]]), most - self._working), node_id, self._gpus_on(nodes[node_id]))
        self._tell_if_more(before, len(nodes))

    def ask(self) -> None:
        """Ask those that work how far they are, now and then."""
        for slot in self.slots:
            slot.ask(_QUESTIONS)

    def welcome(self, slot: Slot, answer: Any) -> None:
        """A worker has said where it is, or that it is ready. Raises EnvironmentFault as `refuse` does."""
        slot.call = None
        if isinstance(answer, Hello):
            self._take_in(slot, answer)
            return
        slot.node, slot.node_id = node_name(answer["node_id"]), answer["node_id"]
        try:
            refuse_other_versions(slot.node, answer["version"], __version__)
        except EnvironmentFault as fault:
            self.refuse(slot, fault)
        else:
            slot.open(self._sent, self._model)

    def refuse(self, slot: Slot, fault: I2sError) -> None:
        """A machine says that it cannot take part, and would say the same again.

        Raises:
            I2sError: this fault; unless the machine came later, or has worked before: the others go on without it.
        """
        machine = slot.node_id or slot.wish
        if machine not in self._proven and (not machine or machine in self._first):
            raise fault
        self._last_words = reason = str(fault.args[0])
        self._give_up(slot, reason.removeprefix(f"{slot.node}: "))

    def replace(self, slot: Slot, reason: str) -> None:
        """An actor is gone, or of no use: another takes its place, unless too many in a row were of none."""
        self._last_words = f"a worker on {slot.node or 'some machine'}: {reason}"
        slot.end()
        if max(slot.false_starts, slot.faults) >= _FAILURES:
            self._give_up(slot, reason)
        else:
            slot.start(self._cluster, self._partial)

    def take_fewer(self, slot: Slot, batch: int) -> None:
        """A worker would take so many tasks at a time; say so if it takes fewer than it did."""
        batch = slot.likes(batch)
        if batch < slot.batch:
            self._listen(ClusterEvent("smaller", {"worker": slot.number, "node": slot.node, "batch": batch}))
        slot.batch = batch

    @property
    def can_answer(self) -> bool:
        """Whether any of those that work has given a sign of it lately."""
        return any(slot.groups and not slot.is_silent(SILENCE) for slot in self.slots)

    def must_work(self) -> None:
        """Raises EnvironmentFault if there has been no worker, or no sign of one that works, for too long."""
        now = time.monotonic()
        if any(slot.state == "ready" for slot in self.slots):
            self._last_seen = now
        elif all(slot.state == "retired" for slot in self.slots) or now - self._last_seen > PATIENCE:
            raise EnvironmentFault(
                f"no worker is left ({self._last_words or 'no machine of the cluster had room'})", _LOOK
            )
        busy = [slot for slot in self.slots if slot.groups]
        if busy and all(slot.is_silent(SILENCE) for slot in busy):
            raise EnvironmentFault(f"all workers hang: {_silent(busy)}", _LOOK)

    def _room(self, nodes: Sequence[Mapping[str, float]]) -> int:
        return sum(room_for([node], self._cluster.cpus, self._gpus_on(node)) for node in nodes)

    def _gpus_on(self, node: Mapping[str, float]) -> float:
        """GPUs of each worker there."""
        late = self._cluster.late_gpus
        return late if late and node.get("GPU", 0.0) >= late else self._cluster.gpus

    def _most(self, nodes: Sequence[Mapping[str, float]]) -> int:
        room = self._room(nodes)
        return min(room, self._cluster.most or room)

    def _tell_if_more(self, workers: int, nodes: int) -> None:
        if self._working > workers:
            self._listen(ClusterEvent("grown", {"nodes": nodes, "workers": self._working}))

    @property
    def _working(self) -> int:
        return sum(slot.state != "retired" for slot in self.slots)

    def _add(self, count: int, node_id: str = "", gpus: float | None = None) -> None:
        for _ in range(count):
            self.slots.append(Slot(len(self.slots), node_id, self._cluster.gpus if gpus is None else gpus))
            self.slots[-1].start(self._cluster, self._partial)

    def _take_in(self, slot: Slot, hello: Hello) -> None:
        if not any(other.state == "ready" or other.done for other in self.slots):
            self.begun = time.monotonic()
        self._proven.add(slot.node_id)
        slot.state, slot.batch, slot.threads, slot.false_starts = "ready", hello.batch, hello.threads, 0
        about = {"device": hello.device, "engine": hello.engine, "threads": hello.cpu_threads}
        self._listen(ClusterEvent("worker", {"worker": slot.number, "node": slot.node, **about}))
        self.take_fewer(slot, hello.batch)

    def _give_up(self, slot: Slot, reason: str) -> None:
        self._unfit.add(slot.node_id or slot.wish)
        slot.retire()
        self._listen(ClusterEvent("given_up", {"worker": slot.number, "node": slot.node, "reason": reason}))


def _silent(slots: list[Slot]) -> str:
    """`no sign of getting on from machine0 (2 workers) for 31 minutes`, and so on for each machine."""
    now, counts = time.monotonic(), Counter(slot.node for slot in slots)
    longest = {node: min(now - slot.heard for slot in slots if slot.node == node) for node in counts}
    said = (
        f"{node} ({counts[node]} worker{'s'[: counts[node] > 1]}) for {_duration(longest[node])}"
        for node in sorted(longest)
    )
    return f"no sign of getting on from {', '.join(said)}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
