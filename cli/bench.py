"""`i2s-trt bench`: the benchmark suites."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.bench_report import conclude, introduce, reporter
from cli.console import Console
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    pass

_SECONDS = {"cpu": 2400.0, "cuda": 440.0}
_QUICK_SECONDS = 240.0
_BYTES = 1e9 / 8  # a second in a Gbit/s


def bench(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            help="machine, step, embed, synthesis, edit, build, scaling; all these when none is named. And kernels: "
            "GPU kernels compiled ahead of time and what a step should take, without a GPU; cluster: workers of one, "
            "with the extra [cluster]; studio: from a slider to its picture; quality: what each "
            "way of embedding has reached after how many seconds."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File of results; suites that it has already are replaced.")
    ] = Path("results.json"),
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A model to measure, several times for more; random-1024 and demo if none."),
    ] = None,
    device: opt.Device = "auto",
    picture: Annotated[
        list[str] | None,
        typer.Option(
            "--picture",
            "-p",
            help="For quality: a file, or astronaut, cat or cup; several times for more, all if none.",
        ),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option("--identity", help="For quality: a face recogniser's ONNX file, which then says who is who."),
    ] = None,
    network: Annotated[
        float, typer.Option("--network", min=0, help="For cluster: what its network carries, in Gbit/s, where known.")
    ] = 0.0,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="For cluster: on the disk that outputs go to, to be measured.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A trial of few repetitions, not for comparisons.")] = False,
    time_budget: Annotated[
        float | None, typer.Option(min=1, help="Seconds for everything; 440 on a GPU, 2400 on a CPU if left out.")
    ] = None,
    json: opt.Json = False,
) -> None:
    """Measure speed and memory of this machine, and keep the figures in a file.

    Suites that do not fit the time, or cannot run here, are recorded with the reason. Ctrl-C keeps what is measured.

    Example: i2s-trt bench step synthesis -o results.json
    """
    from benchmarks.speed.bench import DEFAULT_MODELS, Bench
    from benchmarks.speed.environment import describe_environment
    from benchmarks.speed.results_file import merged, read_results, write_results
    from benchmarks.speed.runner import run_suites
    from i2s_trt.devices import choose_device
    from i2s_trt.files import make_folder

    console = Console(json)
    names = _suite_names(suites or [])
    before = read_results(output) if output.exists() else None
    torch_device = choose_device(device)
    pictures, recogniser = tuple(picture or ()), str(identity or "")
    _check_subjects(names, pictures, recogniser)
    _check_cluster(names, {"--network": bool(network), "--folder": folder is not None})
    seconds = time_budget or (_QUICK_SECONDS if quick else _SECONDS[torch_device.type])
    settings = Bench(str(torch_device), tuple(model or DEFAULT_MODELS), quick, time.monotonic() + seconds,
                     pictures, recogniser, network * _BYTES, str(make_folder(folder)) if folder else None)  # fmt: skip
    environment = describe_environment(torch_device.type)
    results = merged(before, environment, names)
    write_results(output, results)  # a file that cannot be written is better known now than later
    introduce(console, environment, names, seconds)
    with console.progress() as bar, stop_requests() as should_stop:
        results = run_suites(
            names, settings, results, lambda kept: write_results(output, kept), reporter(console, bar), should_stop
        )
        interrupted = should_stop()
    conclude(console, results, names, output)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if any(results.suites[name].status == "failed" for name in names):
        raise typer.Exit(EXIT_SOME_FAILED)


def _suite_names(wanted: list[str]) -> list[str]:
    """Names of suites in the order in which they run. Raises UsageError for an unknown one."""
    from benchmarks.speed.suites import ON_REQUEST, SHARES

    unknown = [name for name in wanted if name not in SHARES]
    if unknown:
        raise UsageError(f"no suite named {', '.join(unknown)}", f"there are {', '.join(SHARES)}")
    return [name for name in SHARES if name in wanted or not (wanted or name in ON_REQUEST)]


def _check_cluster(names: list[str], given: dict[str, bool]) -> None:
    """Refuse options that say something about a cluster where none is measured."""
    for option in (option for option, is_given in given.items() if is_given and "cluster" not in names):
        raise UsageError(f"{option} has no part in {', '.join(names)}", "name the suite: i2s-trt bench cluster")


def _check_subjects(names: list[str], pictures: tuple[str, ...], recogniser: str) -> None:
    """Refuse what quality cannot be measured with before anything is measured."""
    given = {"--picture": bool(pictures), "--identity": bool(recogniser)}
    if "quality" not in names:
        for option in (option for option, is_given in given.items() if is_given):
            raise UsageError(f"{option} has no part in {', '.join(names)}", "name the suite: i2s-trt bench quality")
    if any(given.values()):
        from benchmarks.speed.quality.subjects import subject_names

        subject_names(pictures)
    if recogniser:
        from benchmarks.speed.quality.identity import Recogniser

        Recogniser(Path(recogniser))
