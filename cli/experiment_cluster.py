"""`i2s-trt experiment --cluster`: embeddings made by workers of a cluster, and all else here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.cluster_report import ClusterReport
from cli.console import Console

if TYPE_CHECKING:
    from benchmarks.paper.maker import Order
    from benchmarks.paper.workers import ClusterWorkers
    from i2s_trt.cluster.options import ClusterOptions
    from i2s_trt.errors import I2sError


@contextmanager
def workers_for(
    console: Console,
    cluster: "ClusterOptions",
    choices: tuple[str, str, str, str],
    output: Path,
    report: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> "Iterator[WhenNeeded]":
    """Workers that embed with a model, on a device, with features of this name and digest, for results in `output`."""
    from benchmarks.paper.bench import store_in
    from benchmarks.paper.workers import ClusterWorkers
    from benchmarks.paper.workshop import WorkSettings
    from i2s_trt.cluster.embed_work import EmbedSettings, attach
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.model import pack_model
    from i2s_trt.embedding.run.options import JobOptions
    from i2s_trt.embedding.run.workers import recover
    from i2s_trt.session import SessionOptions

    model, device, features, digest = choices
    session, files = SessionOptions(model, device, features), JobOptions()
    settings = WorkSettings(EmbedSettings(session, files, attach(session, files)), digest)
    told = ClusterReport(console)
    with ExitStack() as held:

        def start() -> "ClusterWorkers":
            found = held.enter_context(joined(cluster, device))
            told.joined(found)
            parts = found, settings, pack_model(model), cluster.outputs, store_in(output), report, told, should_stop
            return held.enter_context(ClusterWorkers(*parts).held())

        recover(store_in(output))
        yield WhenNeeded(start)


class WhenNeeded:
    """Workers that are there from when something is to be made; see `Workers`.

    Args:
        start: starts them; raises EnvironmentFault and UsageError as `joined` does.
    """

    def __init__(self, start: "Callable[[], ClusterWorkers]") -> None:
        self._start = start
        self._workers: ClusterWorkers | None = None

    def make(self, orders: "Sequence[Order]") -> "Mapping[str, I2sError]":
        """Have them make what can be made; see `ClusterWorkers.make`."""
        self._workers = self._workers or self._start()
        return self._workers.make(orders)
