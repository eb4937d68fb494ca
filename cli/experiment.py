"""`i2s-trt experiment`: the paper's tables and figures, measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console, ProgressBar
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from benchmarks.paper.bench import Bench, Choices
    from benchmarks.paper.runner import Event

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
        _list(console)
        return
    chosen = chosen_names(names)
    choices = Choices(model, images, quick, steps, _positive(learning_rate), shuffle, seed)
    _run(console, chosen, choices, output, features, device)


def _list(console: Console) -> None:
    from benchmarks.paper.catalogue import NAMES, study

    rows = []
    for item in map(study, NAMES):
        console.event("study", name=item.name, shows=list(item.shows), title=item.title, claim=item.claim)
        rows.append([item.name, ", ".join(item.shows), item.title])
    console.table(["name", "in the paper", "question"], rows)


def _run(
    console: Console, names: list[str], choices: "Choices", output: Path, features: str, device: str
) -> None:  # fmt: skip
    from benchmarks.paper.bench import Bench
    from benchmarks.paper.catalogue import study
    from benchmarks.paper.embeddings import StoppedError
    from benchmarks.paper.runner import sole_user
    from cli.session_report import choose_features
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device

    generator = load_generator(choices.model).to(choose_device(device))
    console.event("model", name=choices.model, digest=generator.digest)
    vgg = choose_features(features, console)
    stopped = False
    with sole_user(output), console.progress() as bar, stop_requests() as should_stop:
        reporter = _Reporter(console, bar)
        bench = Bench(choices, generator, vgg, output, reporter.event, reporter.steps, should_stop)
        _introduce(console, bench)
        with _report_at_the_end(console, bar, bench):
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


def _introduce(console: Console, bench: "Bench") -> None:
    from benchmarks.paper.report.about import describe_run

    facts = describe_run(bench.lab, "").facts
    console.say(f"pictures: {facts['pictures']}")
    console.say(f"each:     {facts['embedding']}")
    console.event("settings", **bench.lab.settings.to_json())


@contextmanager
def _report_at_the_end(console: Console, bar: ProgressBar, bench: "Bench") -> Iterator[None]:
    """Whatever ended the run: what is finished is worth a report."""
    try:
        yield
    finally:
        bar.hide()
        page = bench.write_report()
        console.event("report", path=str(page))
        console.say(f"report:   {page}")


class _Reporter:
    """Draws progress by steps and says what becomes of each study."""

    def __init__(self, console: Console, bar: ProgressBar) -> None:
        self._console, self._bar = console, bar
        self._done, self._all, self._study = 0, 0, ""

    def steps(self, count: int) -> None:
        self._done += count
        self._bar.show(self._study or "embedding", self._done, max(self._all, self._done), "steps")

    def event(self, event: "Event") -> None:
        data = event.data
        self._console.event(event.kind, study=event.study, **data)
        if event.kind == "plan":
            self._all = data["steps"]
            self._console.say(f"to do:    {data['embeddings']} embeddings, {data['steps']} steps")
        elif event.kind == "begin":
            self._study = event.study
        elif event.kind == "failed":
            self._console.note(f"error: {event.study}: {data['error']}")
        else:
            self._bar.hide()
            self._console.say(f"{event.study}: {data['verdict']} ({data['reason']})")


def _positive(rate: float | None) -> float | None:
    if rate is not None and not 0 < rate < float("inf"):
        raise UsageError(f"--learning-rate {rate} makes no sense", "write a number such as 0.01")
    return rate
