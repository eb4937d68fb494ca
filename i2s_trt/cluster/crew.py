"""The crew of a batch that renders on a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from i2s_trt.batch.channel import Channel
from i2s_trt.batch.crew import Edited, Site
from i2s_trt.batch.journal import Commit
from i2s_trt.batch.options import BatchOptions
from i2s_trt.batch.output_folder import UnusableName
from i2s_trt.batch.stages import Stage
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import Listen
from i2s_trt.cluster.handed import refuse_damaged
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.model import ModelParcel
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.render import Rendered
from i2s_trt.cluster.tasks import Done, Failed, Task
from i2s_trt.errors import EnvironmentFault, I2sError

_MOST = 32  # latents that a worker takes at a time, where its batch is not larger
_TO_COME = 8  # workers for which latents wait at the least, since machines may come


@dataclass(frozen=True)
class _Made:
    """An output that a worker has made: its bytes are here, or in the worker's folder."""

    edited: Edited
    token: str
    rendered: Rendered


class ClusterCrew:
    """Renders on a cluster; see `Crew`. It makes the same files, names and journal as threads of this process do.

    Args:
        cluster: that was joined.
        plan: what workers do.
        model: with which.
        listen: called with what happens.
    """

    def __init__(self, cluster: Cluster, plan: WorkerPlan, model: ModelParcel, listen: Listen) -> None:
        self._cluster, self._plan, self._model, self._listen = cluster, plan, model, listen
        self._dispatcher: Dispatcher | None = None

    def capacity(self, options: BatchOptions, /) -> int:
        """Edited latents that wait for the crew at most."""
        workers = self._cluster.most or max(_TO_COME, self._cluster.workers)
        return 2 * max(_MOST, options.batch) * workers

    def stages(self, site: Site) -> Sequence[Stage]:
        """Handing out, and bringing what comes back into the folder; see `Crew`."""
        partial = site.outputs.partial.absolute() if self._plan.outputs == "shared" else None
        self._dispatcher = dispatcher = Dispatcher(
            self._cluster, self._plan, self._model, partial, self._listen,
            lambda: site.should_stop() or site.fault is not None,
        )  # fmt: skip
        work = _Work(site, dispatcher)
        return [
            Stage([work.hand_out], 2 * site.options.group),
            Stage([work.place] * site.options.writers, site.options.group),
        ]

    def rates(self) -> Mapping[str, float]:
        """Pictures a second of each machine."""
        return self._dispatcher.rates() if self._dispatcher else {}


class _Feed:
    """Edited latents as tasks; those under way are kept by name."""

    def __init__(self, incoming: Channel[Edited], most: int) -> None:
        self._incoming, self._most = incoming, most
        self.under_way: dict[str, Edited] = {}

    def poll(self, most: int) -> list[Task] | None:
        group = self._incoming.poll(min(most, self._most))
        if group is None:
            return None
        self.under_way |= {item.job.output: item for item in group}
        return [Task(item.job.output, item.latent) for item in group]


class _Work:
    """Each method is what a thread of a stage does."""

    def __init__(self, site: Site, dispatcher: Dispatcher) -> None:
        self._site, self._dispatcher = site, dispatcher
        self._is_full = False  # the disk: what is left of it is the journal's

    def hand_out(self, incoming: Channel[Edited]) -> Iterator[_Made]:
        feed = _Feed(incoming, max(_MOST, self._site.options.batch))
        try:
            for token, outcome in self._dispatcher.run(feed):
                edited = feed.under_way.pop(outcome.name)
                if isinstance(outcome, Done):
                    yield _Made(edited, token, outcome.value)
                else:
                    self._fail(outcome)
        except I2sError as fault:  # raised once what is made is committed
            self._site.fault = self._site.fault or fault

    def _fail(self, outcome: Failed) -> None:
        if outcome.kind == "disk":
            self._fill(EnvironmentFault(outcome.message, outcome.hint))
        else:
            self._site.fail(outcome.name, I2sError(outcome.message, outcome.hint))

    def _fill(self, fault: EnvironmentFault) -> None:
        self._is_full, self._site.fault = True, self._site.fault or fault

    def place(self, incoming: Channel[_Made]) -> Iterator[Commit]:
        for made in incoming:
            yield from self._place(made)

    def _place(self, made: _Made) -> Iterator[Commit]:
        job, rendered = made.edited.job, made.rendered
        if self._is_full:
            return
        try:
            if rendered.data is None:
                self._site.outputs.adopt(job.output, made.token, rendered.sha256)
            else:
                refuse_damaged(job.output, rendered.data, rendered.sha256)
                self._site.outputs.write(job.output, rendered.data)
        except UnusableName as error:
            self._site.fail(job.output, error)
        except EnvironmentFault as fault:
            if isinstance(fault.__cause__, OSError):
                self._fill(fault)
            else:  # this one is damaged, the others may be fine
                self._site.fault = self._site.fault or fault
        else:
            yield Commit(job.output, job.key, rendered.size, rendered.sha256, rendered.engine, rendered.threads)
