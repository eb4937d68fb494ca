"""What `i2s-trt edit` says before, while and after it runs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.console import Console, ProgressBar
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED

if TYPE_CHECKING:
    from i2s_trt.batch.jobs import BatchLatent
    from i2s_trt.batch.options import BatchProgress, BatchResult
    from i2s_trt.edit.recipe.load import Variant
    from i2s_trt.edit.sources import LatentSource

_SECONDS = 1.0  # between events
_MOST_NODES = 4  # on the bar
_SHOWN = 20  # failures shown on the screen


class EditReporter:
    """Draws the progress; machines hear of it once a second.

    Args:
        console, bar: to draw on.
        rates: pictures a second of each machine of a cluster, if there is one.
    """

    def __init__(
        self, console: Console, bar: ProgressBar, rates: Callable[[], Mapping[str, float]] = dict[str, float]
    ) -> None:
        self._console, self._bar, self._rates, self._reported = console, bar, rates, 0.0
        self._threads: tuple[int, ...] = ()

    def __call__(self, progress: "BatchProgress") -> None:
        """Show how far it is."""
        nodes = self._rates()
        self._bar.show("pictures", progress.done, progress.total, f"{progress.rate:.1f} images/s{in_words(nodes)}")
        if len(progress.threads) > 1 and progress.threads != self._threads:
            self._threads, counts = progress.threads, " and ".join(map(str, progress.threads))
            self._console.note(
                f"note: some pictures are rendered with {counts} threads (OMP_NUM_THREADS, --worker-cpus): sums are "
                "rounded otherwise, and a pixel may differ by one from that of a run with a single number"
            )
        if time.monotonic() - self._reported >= _SECONDS:
            self._reported = time.monotonic()
            by_node = {"nodes": dict(nodes)} if nodes else {}
            self._console.event("progress", **asdict(progress), **by_node)


def in_words(nodes: Mapping[str, float]) -> str:
    """` (10.0.0.1 12.3, 10.0.0.2 11.8)`: the rate of each machine; of many the fastest and the slowest."""
    if len(nodes) < 2:
        return ""
    if len(nodes) <= _MOST_NODES:
        return f" ({', '.join(f'{node} {rate:.1f}' for node, rate in nodes.items())})"
    slowest, fastest = min(nodes, key=nodes.__getitem__), max(nodes, key=nodes.__getitem__)
    return f" ({len(nodes)} machines: {slowest} {nodes[slowest]:.1f} to {fastest} {nodes[fastest]:.1f})"


def announce(console: Console, source: "LatentSource", variants: "Sequence[Variant]", latents: int) -> None:
    """What is to be done, and with which directions."""
    for direction in source.directions_read:
        console.say(f"direction: {direction.describe()}")
        console.event("direction", name=direction.name, shape=direction.vector.shape, norm=direction.norm)

    total = len(variants) * latents
    console.say(f"recipe:   {len(variants)} variants of {latents} latents: {total} pictures")
    console.event("recipe", variants=len(variants), latents=latents, outputs=total)


def say_tuned(console: Console, latents: "Sequence[BatchLatent]") -> None:
    """Say how many latents are drawn by a model of their own."""
    if tuned := sum(bool(latent.delta_digest) for latent in latents):
        console.event("tuned", latents=tuned)
        console.say(f"tuned:    {tuned} of {len(latents)} latents change the model")


def leave(console: Console, result: "BatchResult", output: Path) -> None:
    """Sum up, and exit as the result deserves."""
    missing = sum(failure.outputs for failure in result.failures)
    for failure in result.failures[:_SHOWN]:
        outputs = f" ({failure.outputs} outputs)" if failure.outputs > 1 else ""
        console.note(f"error: {failure.source}{outputs}: {failure.message}")
    if len(result.failures) > _SHOWN:
        console.note(f"and {len(result.failures) - _SHOWN} more, all of them in {result.manifest}")
    console.event("end", **{**asdict(result), "rate": result.rate, "output": output})
    kept = f", {result.kept} kept" if result.kept else ""
    failed = f", {missing} failed" if missing else ""
    rate = f" at {result.rate:.1f} images/s" if result.rendered else ""
    console.say(f"{result.rendered} pictures rendered{rate}{kept}{failed}; {result.manifest} says what is what")
    if result.interrupted:
        console.note("interrupted; go on with the same command and --resume")
        raise typer.Exit(EXIT_INTERRUPTED)
    if missing:
        raise typer.Exit(EXIT_SOME_FAILED)
