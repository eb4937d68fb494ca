"""Photographs embedded on a cluster, into the same folder and files as on one machine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.embed_work import OPENER, Embedded, EmbedSettings, Photo
from i2s_trt.cluster.events import Listen
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.model import ModelParcel
from i2s_trt.cluster.options import Outputs as Where
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.cluster.tasks import Failed, Outcome, Task
from i2s_trt.deltas import delta_path, remove_delta
from i2s_trt.embedding.run.job import JobEvent, JobResult, Report
from i2s_trt.embedding.run.outputs import Outputs, unique_names
from i2s_trt.errors import EnvironmentFault, I2sError, ImageError
from i2s_trt.files import guard_os_errors
from i2s_trt.photographs.prepare import FaceOf, Source, path_of


class ClusterEmbedding:
    """Embeds photographs; what `EmbedJob` is on one machine.

    Args:
        cluster: that was joined.
        settings: of the embedding.
        model: with which.
        outputs: whether workers write into the folder, or give their results back.
        folder: for the results; made if need be.
        report: called with what happens to photographs.
        listen: called with what happens to workers.
        should_stop: asked now and then; true ends the run, keeping what is there.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: EmbedSettings,
        model: ModelParcel,
        outputs: Where,
        folder: Path,
        report: Report,
        listen: Listen,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._cluster, self._settings, self._model, self._listen = cluster, settings, model, listen
        self._results, self._report, self._should_stop = ResultsFolder(folder, outputs), report, should_stop
        self._plan = WorkerPlan(OPENER, {"embed": settings}, outputs)
        self._dispatcher: Dispatcher | None = None

    def run(self, sources: Sequence[Source]) -> Iterator[JobResult]:
        """Embed all photographs; the result of each, as they come. One that fails does not stop the others.

        Raises:
            UsageError: another run works in the folder.
            EnvironmentFault: the folder cannot be written, or no worker is left; what was written is kept.
        """
        named = dict(zip(unique_names(sources), sources, strict=True))
        with self._results.held(resume=self._settings.files.resume):
            self._dispatcher = Dispatcher(
                self._cluster, self._plan, self._model, self._results.partial, self._listen, self._should_stop,
                self._renew, self._results.keep,
            )  # fmt: skip
            feed = _Feed(named, self._pack)
            for token, outcome in self._dispatcher.run(feed):
                try:
                    result = self._settle(named[outcome.name], token, outcome)
                except I2sError as fault:
                    self._dispatcher.give_up(fault)  # which raises it once the others have brought what they have
                else:
                    yield result
                yield from self._unreadable(feed)
            yield from self._unreadable(feed)

    def _unreadable(self, feed: "_Feed") -> Iterator[JobResult]:
        while feed.unreadable:
            result = feed.unreadable.pop()
            self._report(JobEvent("failed", result.name, {"error": str(result.error)}))
            yield result

    def rates(self) -> Mapping[str, float]:
        """Photographs a second of each machine."""
        return self._dispatcher.rates() if self._dispatcher else {}

    def _pack(self, name: str, source: Source) -> Task:
        """A photograph as a task, with what is left of it in the folder. Raises I2sError."""
        path = path_of(source)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror or error}", "name a picture file") from error
        left: dict[str, bytes] = {}
        if self._settings.files.resume:
            outputs = self._outputs(name)
            kept = (outputs.latent, outputs.snapshot, delta_path(outputs.latent))
            with guard_os_errors(outputs.latent):
                left = {file.name: file.read_bytes() for file in kept if file.is_file()}
        return Task(name, Photo(str(path), data, source.number if isinstance(source, FaceOf) else 0, left))

    def _renew(self, task: Task) -> Task:
        """The same photograph, from where a worker that ended had come to."""
        snapshot = self._outputs(task.name).snapshot.name
        found = self._results.furthest(snapshot, task.payload.left.get(snapshot, b""))
        if found is None:
            return task
        return replace(task, payload=replace(task.payload, left={**task.payload.left, snapshot: found}))

    def _settle(self, source: Source, token: str, outcome: Outcome) -> JobResult:
        if isinstance(outcome, Failed) and outcome.kind == "disk":
            raise EnvironmentFault(outcome.message, outcome.hint)
        if isinstance(outcome, Failed):
            self._results.settle(outcome.name)
            error = I2sError(outcome.message, outcome.hint)
            self._report(JobEvent("failed", outcome.name, {"error": str(error)}))
            return JobResult(source, outcome.name, "failed", error=error)
        embedded: Embedded = outcome.value
        if embedded.files:
            latent = self._outputs(outcome.name).latent
            self._results.place(token, embedded.files, lambda: remove_delta(latent))  # of the latent that was there
        if embedded.files or embedded.status != "interrupted":  # else another worker's snapshot may be all there is
            self._results.settle(outcome.name)
        if embedded.status != "interrupted":
            self._outputs(outcome.name).forget_snapshot()
        for event in embedded.events:
            self._report(event)
        return JobResult(source, outcome.name, embedded.status, self._outputs(outcome.name).latent)

    def _outputs(self, name: str) -> Outputs:
        return Outputs(self._results.folder, name)


class _Feed:
    """Photographs as tasks, read when they are asked for."""

    def __init__(self, named: Mapping[str, Source], pack: Callable[[str, Source], Task]) -> None:
        self._rest, self._pack = iter(named.items()), pack
        self.unreadable: list[JobResult] = []

    def poll(self, most: int) -> list[Task] | None:
        tasks: list[Task] = []
        if not most:
            return tasks
        for name, source in self._rest:
            try:
                tasks.append(self._pack(name, source))
            except I2sError as error:
                self.unreadable.append(JobResult(source, name, "failed", error=error))
            if len(tasks) == most:
                break
        return tasks or None
