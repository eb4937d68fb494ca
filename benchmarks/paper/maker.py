"""Makes embeddings, each into files that are named after all that it depends on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.paper.task import Task
from i2s_trt.arrays import Pixels
from i2s_trt.embedding.embed import Embedding, EmbedProblem, EmbedProgress, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.run.resume import resumed
from i2s_trt.embedding.run.snapshot import Snapshot, SnapshotKeeper, load_snapshot, save_snapshot
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import I2sError
from i2s_trt.images.compose import write_png
from i2s_trt.latents import save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_SNAPSHOT_SECONDS = 20.0
_BATCH_ON_GPU = 8


class StoppedError(Exception):
    """The user asked to stop; everything so far is kept."""


@dataclass(frozen=True, eq=False)
class Order:
    """An embedding that is to be made; data, which can go to another machine.

    Attributes:
        name: of its files.
        task: what is to be embedded.
        run: what a snapshot must be of to be gone on from.
    """

    name: str
    task: Task
    run: RunKey

    @cached_property
    def kind(self) -> tuple[str, str, bool]:
        """What embeddings must have in common to be made together: network, options, and whether there are styles."""
        return self.task.network, self.task.options.digest(), self.task.style is not None


def batches(orders: Sequence[Order], size: int) -> Iterator[Sequence[Order]]:
    """Orders of one kind, so many at most, in the order they come."""
    for _, group in groupby(orders, lambda order: order.kind):
        same = list(group)
        yield from (same[first : first + size] for first in range(0, len(same), size))


def batch_on(device: str) -> int:
    """How many embeddings are made together on `cpu` or `cuda`."""
    return 1 if device == "cpu" else _BATCH_ON_GPU


class Maker:
    """Makes embeddings in this process.

    Args:
        folder: for the files.
        network: gives a network by the name that tasks use.
        vgg: feature network.
        report: called with the steps newly done, after each step.
        should_stop: asked after each step.
        snapshot_seconds: between two snapshots.
    """

    def __init__(
        self,
        folder: Path,
        network: Callable[[str], Generator],
        vgg: Vgg16,
        report: Callable[[int], None],
        should_stop: Callable[[], bool],
        snapshot_seconds: float = _SNAPSHOT_SECONDS,
    ) -> None:
        self._folder, self._network, self._vgg = folder, network, vgg
        self._report, self._should_stop, self._between = report, should_stop, snapshot_seconds
        self._made: tuple[object, Embedder] | None = None

    def make(self, orders: Sequence[Order]) -> dict[str, I2sError]:
        """Make embeddings of one kind together; once it is to stop, it leaves their snapshots instead.

        Returns:
            Name -> why there is no such embedding, for those that diverged.

        Raises:
            EnvironmentFault: the disk is full.
        """
        styles = None if orders[0].task.style is None else [_style(order.task) for order in orders]
        problem = EmbedProblem(self._embedder(orders[0]), [order.task.picture for order in orders], styles)
        state, seconds = self._begin(problem, orders)
        keeper = SnapshotKeeper([(self._files(o).snapshot, o.run) for o in orders], seconds, self._between)
        done = int(state.step.sum())

        def callback(progress: EmbedProgress) -> bool:
            nonlocal done
            done, before = sum(progress.steps), done
            self._report(done - before)
            keeper.offer(progress)
            return self._should_stop()

        spent = optimise(problem, state, callback)
        embeddings = problem.finish(state, spent + max(seconds))
        errors = {o.name: self._write(o, found) for o, found in zip(orders, embeddings, strict=True)}
        return {name: error for name, error in errors.items() if error is not None}

    def _embedder(self, order: Order) -> Embedder:
        """Those of one kind come together: their embedder is kept until the next kind's."""
        task = order.task
        if self._made is None or self._made[0] != order.kind:
            self._made = (order.kind, Embedder(self._network(task.network), task.options, self._vgg))
        return self._made[1]

    def _begin(self, problem: EmbedProblem, orders: Sequence[Order]) -> tuple[EmbedState, list[float]]:
        state, seconds = resumed(problem, [load_snapshot(self._files(order).snapshot, order.run) for order in orders])
        self._report(int(state.step.sum()))
        return state, seconds

    def _write(self, order: Order, embedding: Embedding) -> I2sError | None:
        files, latent = self._files(order), embedding.latent
        if latent.status == "interrupted":
            save_snapshot(files.snapshot, order.run, Snapshot(embedding.state, latent.extra["seconds"]))
            return None
        if latent.status == "diverged" or not np.isfinite(latent.losses["total"]):
            return I2sError("the loss of an embedding was no longer finite", "use a smaller --learning-rate")
        write_png(files.picture, embedding.picture)
        save_latent(files.latent, latent)  # last: it makes the picture valid
        files.forget_snapshot()
        return None

    def _files(self, order: Order) -> Outputs:
        return Outputs(self._folder, order.name)


def _style(task: Task) -> Pixels:
    return task.picture if task.style is None else task.style
