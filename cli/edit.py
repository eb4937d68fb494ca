"""`i2s-trt edit`: recipes crossed with latents, as fast as the engine renders."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import cluster_options as clusters
from cli import options as opt
from cli.console import Console
from cli.edit_inputs import Engine, RenderPrecision, open_model
from cli.edit_outputs import is_sheet, write_sheet
from cli.edit_report import EditReporter, announce, leave, say_tuned
from cli.interrupts import stop_requests
from cli.synthesize import parse_seeds
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from engines.open import Opened
    from i2s_trt.batch.jobs import BatchLatent
    from i2s_trt.batch.options import BatchOptions, BatchResult
    from i2s_trt.edit.recipe.load import Variant

Run = Callable[[Console, "Sequence[BatchLatent]", "Sequence[Variant]", Path, "BatchOptions"], "BatchResult"]


def edit(
    recipe: Annotated[Path, typer.Argument(help="The edits, as TOML; docs/editing.md describes it.")],
    latents: Annotated[
        list[Path] | None, typer.Argument(help="Latent files, or folders of them: .safetensors, .npy, .npz, .pt.")
    ] = None,
    output: opt.Output = Path("edited"),
    seeds: Annotated[str, typer.Option(help="Edit samples too, by seed, as 1,2,5-10.")] = "",
    label: opt.Label = None,
    picture_format: Annotated[str, typer.Option("--format", help="png, jpeg or webp.")] = "png",
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP; 100 is lossless in WebP.")] = 92,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what an earlier run has finished.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Lay out the first outputs on a labelled sheet, FILE.png or .jpg, as well.")
    ] = None,
    batch: Annotated[int, typer.Option(min=0, help="Latents rendered at a time; 0 for what suits the engine.")] = 0,
    model: opt.Model = "demo",
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    any_model: opt.AnyModel = False,
    cluster: clusters.Address = None,
    workers: clusters.Workers = 0,
    worker_cpus: clusters.WorkerCpus = 1.0,
    worker_gpus: clusters.WorkerGpus = None,
    outputs: clusters.OutputsOption = "shared",
    json: opt.Json = False,
) -> None:
    """Render every edit of a recipe for every latent.

    Writes LATENT-EDIT.png for each, journal.ndjson (what is finished: --resume goes on from there, also after a crash)
    and manifest.json (what each output was made from).

    Example: i2s-trt edit recipe.toml embedded -o edited
    """
    from i2s_trt.batch.jobs import collect_latents
    from i2s_trt.batch.options import BatchOptions
    from i2s_trt.edit.recipe.load import load_recipe
    from i2s_trt.images.encode import encoder

    console = Console(json)
    numbers = parse_seeds(seeds)
    encoder(picture_format, quality)  # refuses what it does not know
    if sheet and not is_sheet(sheet):
        raise UsageError(f"--sheet {sheet} is not a kind of picture that can be written", "end it in .png or .jpg")
    shared = clusters.read(cluster, workers, worker_cpus, worker_gpus, outputs)
    options = BatchOptions(batch, picture_format, quality, resume=resume)  # type: ignore[arg-type]  # checked above
    run: Run
    if shared:
        from cli.edit_cluster import open_on_cluster

        source, run = open_on_cluster(console, shared, model, device, engine, precision, any_model)
    else:
        opened = open_model(console, model, device, engine, precision, any_model)
        source, run = opened.source, partial(_run, opened, model)
    variants = load_recipe(recipe, source)
    found = collect_latents(latents or [], numbers, source, label)
    announce(console, source, variants, len(found))
    say_tuned(console, found)
    result = run(console, found, variants, output, options)
    if sheet and result.rendered + result.kept:
        from i2s_trt.batch.contact import batch_sheet

        write_sheet(console, sheet, batch_sheet(output, found, variants, picture_format))
    leave(console, result, output)


def _run(
    opened: "Opened",
    model: str,
    console: Console,
    latents: "Sequence[BatchLatent]",
    variants: "Sequence[Variant]",
    output: Path,
    options: "BatchOptions",
) -> "BatchResult":
    from engines.throughput import for_throughput
    from i2s_trt.batch.options import Rendering
    from i2s_trt.batch.runner import run_batch

    with console.progress():
        engine = for_throughput(opened.choice, opened.generator)
    options = replace(options, batch=options.batch or engine.batch)
    name = f"{opened.choice.engine} in {opened.choice.precision}"
    rendering = Rendering(model, opened.generator.digest, name, engine.threads)
    with console.progress() as bar, stop_requests() as should_stop:
        reporter = EditReporter(console, bar)
        return run_batch(latents, variants, engine.synthesizers, output, options, rendering, reporter, should_stop)
