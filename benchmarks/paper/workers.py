"""The driver's side of an experiment on a cluster: its embeddings go to workers, everything else stays here."""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.paper.maker import Order, StoppedError
from benchmarks.paper.task import MODEL, RANDOM
from benchmarks.paper.workshop import OPENER, Job, Made, WorkSettings
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import Listen
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.model import ModelParcel, pack_model
from i2s_trt.cluster.options import Outputs as Where
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.cluster.tasks import Failed, Outcome, Task
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.errors import EnvironmentFault, I2sError


class ClusterWorkers:
    """Makes embeddings on a cluster, into the folder of the store; see `Workers`.

    Args:
        cluster: that was joined.
        settings: of the embedding.
        model: the one under study.
        outputs: whether workers write into the folder, or give their results back.
        folder: of the store; made if need be.
        report: called with the steps of each embedding that is done.
        listen: called with what happens to workers.
        should_stop: asked now and then; true ends the run, keeping what is there.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: WorkSettings,
        model: ModelParcel,
        outputs: Where,
        folder: Path,
        report: Callable[[int], None],
        listen: Listen,
        should_stop: Callable[[], bool],
    ) -> None:
        self._workers, self._report, self._should_stop = cluster.workers, report, should_stop
        self._results = ResultsFolder(folder, outputs)
        plan = WorkerPlan(OPENER, {"work": settings}, outputs)
        self._dispatcher = Dispatcher(
            cluster, plan, model, self._results.partial, listen, should_stop, self._renew, self._results.keep
        )
        self._parcels: dict[str, ModelParcel] = {}
        self._stack, self._started = ExitStack(), False

    @contextmanager
    def held(self) -> Iterator["ClusterWorkers"]:
        """Have the store's folder, and workers from when they are needed first. Raises UsageError if another has it."""
        with self._results.held(resume=True), self._stack:
            yield self

    def make(self, orders: Sequence[Order]) -> dict[str, I2sError]:
        """Make what can be made; name -> why there is no such embedding, for the others.

        Raises:
            StoppedError: the user asked to stop.
            EnvironmentFault: a machine cannot take part, no worker is left, or the disk is full.
        """
        if not self._started:
            self._stack.enter_context(self._dispatcher.started())
            self._started = True
        open_ = {order.name: order for order in orders}
        errors: dict[str, I2sError] = {}
        try:
            for token, outcome in self._dispatcher.go_on(_Feed(orders, self._workers, self._pack)):
                try:
                    error = self._settle(open_[outcome.name], token, outcome)
                except I2sError as fault:
                    self._dispatcher.give_up(fault)  # which raises it once the others have brought what they have
                    continue
                errors |= {outcome.name: error} if error else {}
                if isinstance(outcome, Failed) or error or outcome.value.finished:  # else it was stopped on its way
                    del open_[outcome.name]
        except EnvironmentFault as fault:
            raise EnvironmentFault(fault.args[0], fault.hint.replace(" with --resume", "")) from fault
        if open_ or self._should_stop():
            raise StoppedError
        return errors

    def _pack(self, order: Order) -> Task:
        snapshot, network = self._outputs(order.name).snapshot, order.task.network
        if network not in (MODEL, RANDOM) and network not in self._parcels:
            self._parcels[network] = pack_model(network)
        left = snapshot.read_bytes() if snapshot.is_file() else b""
        return Task(order.name, Job(order, self._parcels.get(network), left))

    def _renew(self, task: Task) -> Task:
        """The same embedding, from where a worker that ended had come to."""
        found = self._results.furthest(self._outputs(task.name).snapshot.name, task.payload.snapshot)
        return replace(task, payload=replace(task.payload, snapshot=found)) if found else task

    def _settle(self, order: Order, token: str, outcome: Outcome) -> I2sError | None:
        if isinstance(outcome, Failed):
            if outcome.kind == "disk":
                raise EnvironmentFault(outcome.message, outcome.hint)
            self._results.settle(order.name)
            return I2sError(outcome.message, outcome.hint)
        made: Made = outcome.value
        self._results.place(token, made.files)
        if made.files or made.finished:  # else another worker's snapshot may be all there is
            self._results.settle(order.name)
        if made.finished:
            self._outputs(order.name).forget_snapshot()
            self._report(order.task.options.steps)
        return made.error

    def _outputs(self, name: str) -> Outputs:
        return Outputs(self._results.folder, name)


class _Feed:
    """Orders as tasks, those of one kind together, and as many to each of the workers where they are few."""

    def __init__(self, orders: Sequence[Order], workers: int, pack: Callable[[Order], Task]) -> None:
        kinds = Counter(order.kind for order in orders)
        self._share = {kind: math.ceil(count / workers) for kind, count in kinds.items()}
        self._rest, self._pack = deque(orders), pack

    def poll(self, most: int) -> list[Task] | None:
        if not self._rest:
            return None
        kind, tasks = self._rest[0].kind, list[Task]()
        while self._rest and self._rest[0].kind == kind and len(tasks) < min(most, self._share[kind]):
            tasks.append(self._pack(self._rest.popleft()))
        return tasks
