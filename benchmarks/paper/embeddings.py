"""The store of embeddings: every one is made once, under the digest of all that it depends on."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.paper.task import Embedded, Task
from i2s_trt.embedding.embed import Embedding, EmbedProblem, EmbedProgress, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.resume import resumed
from i2s_trt.embedding.run.snapshot import Snapshot, SnapshotKeeper, load_snapshot, save_snapshot
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import I2sError, LatentError
from i2s_trt.files import make_folder
from i2s_trt.images.compose import write_png
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_SNAPSHOT_SECONDS = 20.0
_KEY_SHOWN = 24  # characters of a key that name its files
_BATCH_ON_GPU = 8


class StoppedError(Exception):
    """The user asked to stop; everything so far is kept."""


class Embeddings:
    """Embeds tasks, or finds them embedded.

    Args:
        folder: of the store; made if need be.
        network: gives a network by the name that tasks use.
        vgg: feature network.
        report: called with the steps newly done, after each step.
        should_stop: asked after each step.
    """

    def __init__(
        self,
        folder: Path,
        network: Callable[[str], Generator],
        vgg: Vgg16,
        report: Callable[[int], None] = lambda _steps: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = make_folder(folder)
        self._network, self._vgg = network, vgg
        self._report, self._should_stop = report, should_stop
        self._made: tuple[object, Embedder] | None = None

    def missing(self, tasks: Iterable[Task]) -> list[Task]:
        """The tasks still to be embedded, each once, those of one network and one set of options together."""
        found = {key: task for task in tasks if not self._is_there(key := self._key(task))}
        return sorted(found.values(), key=_kind)

    def embed(self, tasks: Sequence[Task]) -> list[Embedded]:
        """Embeddings of all tasks, in order.

        Raises:
            StoppedError: the user asked to stop.
            I2sError: an embedding diverged, or could not be written.
        """
        for _, group in groupby(self.missing(tasks), _kind):
            same = list(group)
            batch = 1 if self._device_of(same[0]) == "cpu" else _BATCH_ON_GPU
            for first in range(0, len(same), batch):
                self._make(same[first : first + batch])
        return [self._read(task) for task in tasks]

    def _make(self, tasks: Sequence[Task]) -> None:
        task = tasks[0]
        styles = None if task.style is None else [t.picture if t.style is None else t.style for t in tasks]
        pictures = [t.picture for t in tasks]
        problem = EmbedProblem(self._embedder(task), pictures, styles)
        state, seconds = self._begin(problem, tasks)
        keeper = SnapshotKeeper([self._snapshot(t) for t in tasks], seconds, _SNAPSHOT_SECONDS)
        done = int(state.step.sum())

        def callback(progress: EmbedProgress) -> bool:
            nonlocal done
            done, before = sum(progress.steps), done
            self._report(done - before)
            keeper.offer(progress)
            return self._should_stop()

        spent = optimise(problem, state, callback)
        for t, embedding in zip(tasks, problem.finish(state, spent + max(seconds)), strict=True):
            self._write(t, embedding)
        if self._should_stop():
            raise StoppedError

    def _embedder(self, task: Task) -> Embedder:
        """The tasks of one network and one set of options come together: theirs is kept until the next kind's."""
        kind = _kind(task)
        if self._made is None or self._made[0] != kind:
            self._made = (kind, Embedder(self._network(task.network), task.options, self._vgg))
        return self._made[1]

    def _begin(self, problem: EmbedProblem, tasks: Sequence[Task]) -> tuple[EmbedState, list[float]]:
        state, seconds = resumed(problem, [load_snapshot(*self._snapshot(task)) for task in tasks])
        self._report(int(state.step.sum()))
        return state, seconds

    def _write(self, task: Task, embedding: Embedding) -> None:
        path, latent = self._path(task), embedding.latent
        snapshot, key = self._snapshot(task)
        if latent.status == "interrupted":
            save_snapshot(snapshot, key, Snapshot(embedding.state, latent.extra["seconds"]))
            return
        if latent.status == "diverged" or not np.isfinite(latent.losses["total"]):
            raise I2sError("the loss of an embedding was no longer finite", "use a smaller --learning-rate")
        write_png(path.with_suffix(".png"), embedding.picture)
        save_latent(path, latent)  # last: it makes the picture valid
        snapshot.unlink(missing_ok=True)

    def _read(self, task: Task) -> Embedded:
        path = self._path(task)
        return Embedded(read_latent(path), decode(path.with_suffix(".png")))

    def _is_there(self, key: str) -> bool:
        path = self._folder / f"{key[:_KEY_SHOWN]}.safetensors"
        try:
            return path.with_suffix(".png").is_file() and read_latent(path).status == "finished"
        except LatentError:
            return False

    def _key(self, task: Task) -> str:
        return task.key(self._network(task.network).digest, self._vgg.source.digest)

    def _path(self, task: Task) -> Path:
        return self._folder / f"{self._key(task)[:_KEY_SHOWN]}.safetensors"

    def _snapshot(self, task: Task) -> tuple[Path, RunKey]:
        key = self._key(task)
        digest = self._network(task.network).digest
        return self._folder / f".{key[:_KEY_SHOWN]}.snapshot", RunKey(digest, key, {}, self._vgg.source.digest)

    def _device_of(self, task: Task) -> str:
        return self._network(task.network).mean_w.device.type


def _kind(task: Task) -> tuple[str, str, bool]:
    return task.network, task.options.digest(), task.style is not None
