"""`i2s-trt edit --cluster`: the same batch, rendered by workers of a cluster."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.cluster_report import ClusterReport
from cli.console import Console
from cli.edit_report import EditReporter
from cli.interrupts import stop_requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from i2s_trt.batch.jobs import BatchLatent
    from i2s_trt.batch.options import BatchOptions, BatchResult
    from i2s_trt.cluster.options import ClusterOptions
    from i2s_trt.cluster.render import RenderSettings
    from i2s_trt.edit.recipe.load import Variant
    from i2s_trt.edit.sources import LatentSource
    from i2s_trt.models.generator import Generator


def open_on_cluster(
    console: Console, cluster: "ClusterOptions", model: str, device: str, engine: str, precision: str, any_model: bool
) -> "tuple[LatentSource, Callable[..., BatchResult]]":
    """What reads latents here, and what runs a batch on the cluster. Raises ModelError when there is no such model."""
    from engines.synthesizers import check_names
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.cluster.render import RenderSettings
    from i2s_trt.devices import check_device
    from i2s_trt.edit.sources import LatentSource

    check_names(engine, "auto", precision)
    check_device(device)
    with console.progress():
        generator = load_generator(model)
    settings = RenderSettings(engine, precision, device, cores=max(1, int(cluster.cpus)))
    return LatentSource.of(generator, any_model=any_model), partial(_run, cluster, model, generator, settings)


def _run(
    cluster: "ClusterOptions",
    model: str,
    generator: "Generator",
    settings: "RenderSettings",
    console: Console,
    latents: "Sequence[BatchLatent]",
    variants: "Sequence[Variant]",
    output: Path,
    options: "BatchOptions",
) -> "BatchResult":
    from engines.cluster import OPENER
    from i2s_trt.batch.finished import NoCrew, is_finished
    from i2s_trt.batch.options import Rendering
    from i2s_trt.batch.runner import run_crew
    from i2s_trt.cluster.crew import ClusterCrew
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.model import pack_model
    from i2s_trt.cluster.options import WorkerPlan

    rendering = Rendering(model, generator.digest)
    if is_finished(latents, variants, output, options, generator.digest):
        with console.progress() as bar:
            return run_crew(latents, variants, NoCrew(), output, options, rendering, EditReporter(console, bar))
    settings = replace(
        settings, batch=options.batch, picture_format=options.picture_format, quality=options.quality
    )  # fmt: skip
    chosen: dict[str, Any] = asdict(settings)
    plan = WorkerPlan(OPENER, chosen, cluster.outputs)
    report = ClusterReport(console)
    with console.progress() as bar, joined(cluster, settings.device) as found, stop_requests() as should_stop:
        report.joined(found)
        crew = ClusterCrew(found, plan, pack_model(model), report)
        reporter = EditReporter(console, bar, crew.rates)
        return run_crew(latents, variants, crew, output, options, rendering, reporter, should_stop)
