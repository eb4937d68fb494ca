"""`i2s-trt embed --cluster`: the same files, made by workers of a cluster."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.cluster_report import ClusterReport
from cli.console import Console, ProgressBar
from cli.edit_report import in_words
from cli.embed_report import Reporter
from cli.interrupts import stop_requests
from cli.session_report import SessionReport
from i2s_trt.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from i2s_trt.cluster.embed import ClusterEmbedding
    from i2s_trt.cluster.options import ClusterOptions
    from i2s_trt.embedding.run.job import JobResult
    from i2s_trt.embedding.run.options import JobOptions
    from i2s_trt.photographs.prepare import Source
    from i2s_trt.session import SessionOptions

_FEW = 64  # photographs that one machine has looked at before a cluster is there


def embed_on_cluster(
    console: Console,
    cluster: "ClusterOptions",
    options: "SessionOptions",
    sources: Sequence[Path],
    output: Path,
    files: "JobOptions",
) -> "tuple[list[JobResult], int]":
    """The results, and how many there should be.

    Raises:
        UsageError: a clip, or a precision that every machine would choose for itself.
        I2sError: what one machine would refuse, in the same words.
    """
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.cluster.embed import ClusterEmbedding
    from i2s_trt.cluster.embed_check import embed_settings
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.model import pack_model
    from i2s_trt.session import open_photographs
    from i2s_trt.video.read import is_clip

    if options.precision == "auto":
        raise UsageError("--precision auto measures one machine", "name the precision that all workers are to take")
    if clip := next(filter(is_clip, sources), None):
        raise UsageError(f"{clip} is a clip, whose frames follow from each other", "embed it without --cluster")
    with console.progress():
        generator = load_generator(options.model)
        settings = embed_settings(options, files, generator)
        photographs = open_photographs(options, generator, SessionReport(console))
        pictures = photographs.expand(list(sources))
    if files.resume and (kept := _nothing_left(console, options, pictures, output, files)):
        return kept, len(pictures)
    told = ClusterReport(console)
    results: list[JobResult] = []
    with console.progress() as bar, joined(cluster, options.device) as found, stop_requests() as should_stop:
        told.joined(found)
        report = Reporter(console, bar, photographs.typical_distance)
        model = pack_model(options.model, with_encoder=options.init == "encoder")
        run = ClusterEmbedding(found, settings, model, cluster.outputs, output, report, told, should_stop)
        progress = _Progress(console, bar, len(pictures), run)
        for result in run.run(pictures):
            results.append(result)
            progress.show(len(results))
    return results, len(pictures)


def _nothing_left(
    console: Console, options: "SessionOptions", pictures: "Sequence[Source]", output: Path, files: "JobOptions"
) -> "list[JobResult]":
    """The results where all are there already, so that no cluster has to be started to see it; else none."""
    from i2s_trt.embedding.run.outputs import Outputs, unique_names
    from i2s_trt.session import open_session

    names = unique_names(pictures)
    if len(pictures) > _FEW or not all(Outputs(output, name).latent.exists() for name in names):
        return []
    with suppress(EnvironmentFault), console.progress() as bar:  # this machine may lack the device
        session = open_session(options)
        job = session.pictures(output, files, Reporter(console, bar, session.photographs.typical_distance))
        return [] if job.is_left(pictures) else job.run(pictures)
    return []


class _Progress:
    """How many photographs are done, and how fast."""

    def __init__(self, console: Console, bar: ProgressBar, total: int, run: "ClusterEmbedding") -> None:
        self._console, self._bar, self._total, self._run = console, bar, total, run

    def show(self, done: int) -> None:
        nodes = self._run.rates()
        rate = sum(nodes.values())
        remaining = (self._total - done) / rate if rate else float("inf")
        self._bar.show("photographs", done, self._total, f"{rate:.2f} images/s{in_words(nodes)}")
        data: dict[str, Any] = {"done": done, "total": self._total, "rate": rate, "remaining": remaining}
        self._console.event("pictures", **data, nodes=dict(nodes))
