"""`i2s-trt experiment --cluster`: embeddings made by workers of a cluster, and all else here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.cluster_report import ClusterReport
from cli.console import Console

if TYPE_CHECKING:
    from benchmarks.paper.workers import ClusterWorkers
    from i2s_trt.cluster.options import ClusterOptions


@contextmanager
def workers_for(
    console: Console,
    cluster: "ClusterOptions",
    choices: tuple[str, str, str, str],
    output: Path,
    report: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> "Iterator[ClusterWorkers]":
    """Workers that embed with a model, on a device, with features of this name and digest, for results in `output`.

    Raises:
        EnvironmentFault, UsageError: as `joined` does.
    """
    from benchmarks.paper.bench import store_in
    from benchmarks.paper.workers import ClusterWorkers
    from benchmarks.paper.workshop import WorkSettings
    from i2s_trt.cluster.embed_work import EmbedSettings, attach
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.model import pack_model
    from i2s_trt.embedding.run.options import JobOptions
    from i2s_trt.session import SessionOptions

    model, device, features, digest = choices
    session, files = SessionOptions(model, device, features), JobOptions()
    settings = WorkSettings(EmbedSettings(session, files, attach(session, files)), digest)
    told = ClusterReport(console)
    with joined(cluster, device) as found:
        told.joined(found)
        workers = ClusterWorkers(
            found, settings, pack_model(model), cluster.outputs, store_in(output), report, told, should_stop
        )
        with workers.held():
            yield workers
