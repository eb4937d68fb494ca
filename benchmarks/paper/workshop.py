"""A worker's side of an experiment: its embeddings, with networks and features that are loaded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.paper.maker import Maker, Order, batch_on
from benchmarks.paper.networks import Networks
from i2s_trt.checkpoints.features import load_features
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.cluster.embed_work import EmbedSettings, detach, refuse_others
from i2s_trt.cluster.faults import failed
from i2s_trt.cluster.handed import HandedFile, hand_over
from i2s_trt.cluster.model import ModelParcel, unpack_model
from i2s_trt.cluster.scratch import own_scratch
from i2s_trt.cluster.sent_back import SentBack
from i2s_trt.cluster.tasks import Answer, Bench, Done, Hello, Outcome, Task, in_groups
from i2s_trt.cluster.within_memory import within_memory
from i2s_trt.devices import choose_device, cpu_threads
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.errors import I2sError
from i2s_trt.files import guard_os_errors
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

OPENER = "benchmarks.paper.workshop:open_workshop"


@dataclass(frozen=True)
class WorkSettings:
    """What workers embed with.

    Attributes:
        embed: device, features with their file if they are one, and seconds between snapshots; the rest is each task's.
        features: digest that the features must have.
    """

    embed: EmbedSettings
    features: str


@dataclass(frozen=True)
class Job:
    """A task's payload.

    Attributes:
        order: what is to be made.
        network: that it names, unless that is the model under study or one with random weights.
        snapshot: what was left of it; empty for nothing.
    """

    order: Order
    network: ModelParcel | None = None
    snapshot: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Made:
    """What became of an embedding.

    Attributes:
        finished: whether it was not interrupted.
        files: of the result, the latent last; of an interrupted one its snapshot, if it was begun.
        error: of one that diverged, which it would on any worker.
    """

    finished: bool
    files: Sequence[HandedFile] = ()
    error: I2sError | None = None


def open_workshop(settings: Mapping[str, Any], model: str, bench: Bench) -> "ExperimentWorkshop":
    """A workshop that embeds for studies; `settings` holds `WorkSettings` as `work`.

    Raises:
        ModelError: model or features cannot be loaded here, or the features are others than the driver's.
    """
    wanted: WorkSettings = settings["work"]
    folder = bench.folder or own_scratch(bench.token)
    embed = detach(wanted.embed, folder / "attached")
    vgg = load_features(embed.session.features)
    refuse_others({"features": wanted.features}, {"features": vgg.source.digest})
    generator = load_generator(model).to(choose_device(embed.session.device))
    return ExperimentWorkshop(generator, vgg, folder, embed.files.snapshot_seconds, gives_back=bench.folder is None)


class ExperimentWorkshop:
    """Embeds for studies; see `Workshop`. A task's payload is a `Job`.

    Args:
        generator: the model under study, on the device to use.
        vgg: feature network.
        folder: for the results of the tasks that are being done.
        snapshot_seconds: between two snapshots.
        gives_back: whether results go to the driver as bytes; else they stay in the folder.
    """

    def __init__(
        self, generator: Generator, vgg: Vgg16, folder: Path, snapshot_seconds: float, *, gives_back: bool
    ) -> None:
        self._folder, self._gives_back, self._stopping = folder, gives_back, False
        self._sent_back = SentBack(folder, gives_back=gives_back)
        self._device, self._others = generator.mean_w.device, dict[str, Generator]()
        networks = Networks(generator, self._others)
        self.progress = 0
        self._maker = Maker(folder, networks, vgg, self._step, lambda: self._stopping, snapshot_seconds)
        self._batch = batch_on(self._device.type)
        self.hello = Hello(str(self._device), "torch in fp32", self._batch, 1, cpu_threads(self._device))

    def work(self, tasks: Sequence[Task]) -> Answer:
        """Make some embeddings, those of one kind together, fewer if the device had too little memory before."""
        outcomes: list[Outcome] = []
        for _, same in groupby(tasks, lambda task: task.payload.order.kind):
            outcomes += in_groups(
                list(same), lambda: self._batch, lambda group: within_memory(group, self._group, self._shrink)
            )
        return Answer(outcomes, self._batch)

    def news(self) -> Mapping[str, bytes]:
        """Snapshots; see `SentBack`."""
        return self._sent_back.news()

    def stop(self) -> None:
        """End after the step that is being taken."""
        self._stopping = True

    def _step(self, steps: int) -> None:
        self.progress += steps

    def _shrink(self, batch: int) -> None:
        self._batch = batch

    def _group(self, tasks: Sequence[Task]) -> list[Outcome]:
        if self._stopping:
            return [Done(task.name, Made(finished=False)) for task in tasks]
        try:
            with guard_os_errors(self._folder):
                for task in tasks:
                    self._lay_out(task.payload)
            errors = self._maker.make([task.payload.order for task in tasks])
            return [self._outcome(task.name, errors.get(task.name)) for task in tasks]
        except I2sError as error:
            return [failed(task, error, shared=not self._gives_back) for task in tasks]

    def _lay_out(self, job: Job) -> None:
        """Have what a task needs: its network, and what was left of it."""
        name = job.order.task.network
        if job.network is not None and name not in self._others:
            self._others[name] = load_generator(unpack_model(job.network)).to(self._device)
        if job.snapshot:
            Outputs(self._folder, job.order.name).snapshot.write_bytes(job.snapshot)

    def _outcome(self, name: str, error: I2sError | None) -> Outcome:
        files = Outputs(self._folder, name)
        if error is not None:
            files.forget_snapshot()
            return Done(name, Made(finished=True, error=error))
        found = [path for path in (files.picture, files.snapshot, files.latent) if path.exists()]
        finished = not files.snapshot.exists()
        return Done(name, Made(finished, hand_over(found, gives_back=self._gives_back)))
