"""The store of embeddings: every one is made once, under the digest of all that it depends on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.paper.maker import Maker, Order, StoppedError, batch_on, batches
from benchmarks.paper.task import Embedded, Task
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.run.workers import recover
from i2s_trt.errors import I2sError, LatentError
from i2s_trt.files import make_folder
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_KEY_SHOWN = 24  # characters of a key that name its files


class Workers(Protocol):
    """Make embeddings elsewhere, into the folder of the store."""

    def make(self, orders: Sequence[Order]) -> Mapping[str, I2sError]:
        """Make what can be made; name -> why there is no such embedding. Raises as `Embeddings.embed` does."""
        ...


class Embeddings:
    """Embeds tasks, or finds them embedded.

    Args:
        folder: of the store; made if need be.
        network: gives a network by the name that tasks use.
        vgg: feature network.
        report: called with the steps newly done, after each step.
        should_stop: asked after each step.
        workers: that embed instead of this process.

    Raises:
        EnvironmentFault: the folder cannot be written.
        UsageError: a cluster is embedding into it.
    """

    def __init__(
        self,
        folder: Path,
        network: Callable[[str], Generator],
        vgg: Vgg16,
        report: Callable[[int], None] = lambda _steps: None,
        should_stop: Callable[[], bool] = lambda: False,
        workers: Workers | None = None,
    ) -> None:
        self._folder = make_folder(folder)
        self._network, self._vgg, self._should_stop = network, vgg, should_stop
        self._maker, self._workers = Maker(folder, network, vgg, report, should_stop), workers
        self._errors: dict[str, I2sError] = {}
        if workers is None:
            recover(folder)

    def missing(self, tasks: Iterable[Task]) -> list[Task]:
        """The tasks still to be embedded, each once, those of one network and one set of options together."""
        return [order.task for order in self._orders(tasks)]

    def prepare(self, tasks: Iterable[Task]) -> None:
        """Have workers make what will be asked for, so that none of them waits for another study's measuring.

        Without workers each embedding is made when it is asked for. Whatever fails does so then. Raises as `embed`.
        """
        if self._workers is not None:
            orders = [order for order in self._orders(tasks) if order.name not in self._errors]
            self._errors |= self._workers.make(orders) if orders else {}

    def embed(self, tasks: Sequence[Task]) -> list[Embedded]:
        """Embeddings of all tasks, in order.

        Raises:
            StoppedError: the user asked to stop.
            I2sError: an embedding diverged, or could not be written.
        """
        if self._workers is None:
            self._make(self._orders(tasks))
        else:
            self.prepare(tasks)
            for task in tasks:
                if error := self._errors.get(self._name(task)):
                    raise error
        return [self._read(task) for task in tasks]

    def _make(self, orders: Sequence[Order]) -> None:
        size = batch_on(self._network(orders[0].task.network).mean_w.device.type) if orders else 1
        for batch in batches(orders, size):
            for error in self._maker.make(batch).values():
                raise error
            if self._should_stop():
                raise StoppedError

    def _orders(self, tasks: Iterable[Task]) -> list[Order]:
        found = {name: task for task in tasks if not self._is_there(name := self._name(task))}
        orders = [Order(name, task, self._run(task)) for name, task in found.items()]
        return sorted(orders, key=lambda order: order.kind)

    def _read(self, task: Task) -> Embedded:
        files = Outputs(self._folder, self._name(task))
        return Embedded(read_latent(files.latent), decode(files.picture))

    def _is_there(self, name: str) -> bool:
        files = Outputs(self._folder, name)
        try:
            return files.picture.is_file() and read_latent(files.latent).status == "finished"
        except LatentError:
            return False

    def _run(self, task: Task) -> RunKey:
        return RunKey(self._network(task.network).digest, self._key(task), {}, self._vgg.source.digest)

    def _name(self, task: Task) -> str:
        return self._key(task)[:_KEY_SHOWN]

    def _key(self, task: Task) -> str:
        return task.key(self._network(task.network).digest, self._vgg.source.digest)
