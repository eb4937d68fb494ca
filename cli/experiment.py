"""`i2s-trt experiment`: the paper's tables and figures, measured."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import cluster_options as clusters
from cli import options as opt
from cli.console import Console
from cli.experiment_report import ExperimentReport, introduce, list_studies, report_at_the_end
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from benchmarks.paper.bench import Choices
    from i2s_trt.cluster.options import ClusterOptions

_LIST = "list"


def experiment(
    names: Annotated[list[str], typer.Argument(help="Studies, tables or figures of the paper; all; or list.")],
    output: opt.Output = Path("experiment"),
    model: opt.Model = "demo",
    images: Annotated[
        Path | None,
        typer.Option(
            help="A folder with a subfolder a class of pictures, faces among them; the bundled ones if left out."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few steps and pictures; see the documentation.")] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each embedding; 5000, or 120 with --quick.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of Adam; 0.01, with --quick after the model's scale of w.")
    ] = None,
    features: opt.Features = "imagenet",
    device: opt.Device = "auto",
    seed: opt.Seed = 0,
    shuffle: Annotated[
        bool,
        typer.Option("--shuffle", help="A control: deals the pictures to the classes in turn; claims on classes fall."),
    ] = False,
    cluster: clusters.Address = None,
    workers: clusters.Workers = 0,
    worker_cpus: clusters.WorkerCpus = 1.0,
    worker_gpus: clusters.WorkerGpus = None,
    outputs: clusters.OutputsOption = "shared",
    json: opt.Json = False,
) -> None:
    """Reproduce tables and figures of the paper: each claim, the paper's numbers, ours, and a verdict.

    Writes report.html, results.json and a folder for each study. Everything finished is kept: the same command goes on
    after an interruption, and no picture is embedded twice.

    Example: i2s-trt experiment table1 figure20 --quick -o experiment
    """
    from benchmarks.paper.bench import Choices
    from benchmarks.paper.catalogue import chosen_names

    console = Console(json)
    if names == [_LIST]:
        list_studies(console)
        return
    chosen = chosen_names(names)
    shared = clusters.read(cluster, workers, worker_cpus, worker_gpus, outputs)
    choices = Choices(model, images, quick, steps, _positive(learning_rate), shuffle, seed)
    _run(console, chosen, choices, output, features, device, shared)


def _run(
    console: Console,
    names: list[str],
    choices: "Choices",
    output: Path,
    features: str,
    device: str,
    cluster: "ClusterOptions | None",
) -> None:
    from benchmarks.paper.bench import Bench
    from benchmarks.paper.catalogue import study
    from benchmarks.paper.maker import StoppedError
    from benchmarks.paper.runner import sole_user
    from cli.session_report import choose_features
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device

    generator = load_generator(choices.model).to(choose_device(device))
    console.event("model", name=choices.model, digest=generator.digest)
    vgg = choose_features(features, console)
    stopped = False
    with ExitStack() as held:
        held.enter_context(sole_user(output))
        bar, should_stop = held.enter_context(console.progress()), held.enter_context(stop_requests())
        reporter = ExperimentReport(console, bar)
        workers = None
        if cluster:
            from cli.experiment_cluster import workers_for

            parts = choices.model, device, features, vgg.source.digest
            workers = held.enter_context(workers_for(console, cluster, parts, output, reporter.steps, should_stop))
        bench = Bench(choices, generator, vgg, output, reporter.event, reporter.steps, should_stop, workers)
        introduce(console, bench)
        with report_at_the_end(console, bar, bench):
            try:
                errors = bench.runner.run([study(name) for name in names])
            except StoppedError:
                stopped, errors = True, {}
    if stopped:
        console.note("interrupted; the same command goes on")
        raise typer.Exit(EXIT_INTERRUPTED)
    if errors:
        console.note(f"error: failed: {', '.join(errors)}")
        raise typer.Exit(EXIT_SOME_FAILED)


def _positive(rate: float | None) -> float | None:
    if rate is not None and not 0 < rate < float("inf"):
        raise UsageError(f"--learning-rate {rate} makes no sense", "write a number such as 0.01")
    return rate
