"""What `i2s-trt embed` says while it runs and when it ends."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.console import Console, ProgressBar, loss_text
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED

if TYPE_CHECKING:
    from i2s_trt.embedding.run.job import JobEvent, JobResult


class Reporter:
    """Draws the events of a job.

    Args:
        console, bar: to draw on.
        typical: distance of a model's own samples from its mean latent, for models of faces; 0 for others.
    """

    def __init__(self, console: Console, bar: ProgressBar, typical: float = 0.0) -> None:
        self._console, self._bar, self._typical = console, bar, typical

    def __call__(self, event: "JobEvent") -> None:
        """Show one event."""
        data = self._compare(event.data)
        self._console.event(event.kind, name=event.name, **data)
        if event.kind == "progress":
            self._bar.show(event.name, data["step"], data["steps"], f"loss {loss_text(data['loss'])}")
        elif event.kind == "done":
            self._bar.hide()
            self._console.say(_summary(event.name, data))
            if "loss_noise" in data:
                self._console.say(f"{event.name}: its noise maps are kept, and edits draw with them")
            self._judge(event.name, data)
        elif event.kind == "tuning":
            self._bar.show(f"{event.name}: tuning", data["step"], data["steps"], f"loss {loss_text(data['loss'])}")
        elif event.kind == "tuned":
            self._bar.hide()
            self._console.say(_tuned(event.name, data))
        elif event.kind == "failed":
            self._console.note(f"error: {data['error']}")
        elif event.kind == "resumed":
            self._console.say(f"{event.name}: going on from step {data['step']}")
        elif event.kind == "skipped":
            self._console.say(f"{event.name}: already embedded with these settings")
        elif event.kind == "warning":
            self._console.note(f"note: {event.name}: {data['message']}")
        elif event.kind == "looking":
            self._bar.show(f"{event.name}: faces", data["step"], data["steps"])
        elif event.kind == "frame":
            self._bar.show(event.name, data["frame"] + 1, data["frames"], f"loss {loss_text(data['loss'])}")

    def _compare(self, data: dict[str, Any]) -> dict[str, Any]:
        if not self._typical or "distance_to_mean" not in data:
            return data
        return {**data, "distance_by_samples": data["distance_to_mean"] / self._typical}

    def _judge(self, name: str, data: dict[str, Any]) -> None:
        from i2s_trt.embedding.start.distance import PAPER_FACE, PAPER_OTHERS, is_far

        if self._typical and is_far(data["distance_to_mean"], self._typical):
            low, high = PAPER_OTHERS
            self._console.note(
                f"note: {name}: lies {data['distance_by_samples']:.1f} times as far from the mean latent as the "
                f"model's own samples (in the paper faces end at {PAPER_FACE:.0f}, other things at {low} to {high}): "
                "edits may act weakly"
            )


def _summary(name: str, data: dict[str, Any]) -> str:
    state = "" if data["status"] == "finished" else f" [{data['status']}]"
    return (
        f"{name}:{state} loss {loss_text(data['loss_total'])} after {data['steps']} steps in {data['seconds']:.1f} s, "
        f"distance to the mean latent {data['distance_to_mean']:.2f}"
    )


def _tuned(name: str, data: dict[str, Any]) -> str:
    return (
        f"{name}: the generator is tuned to it by {data['steps']} steps in {data['seconds']:.1f} s, "
        f"PSNR {psnr_of(data['error_before']):.1f} -> {psnr_of(data['error']):.1f} dB"
    )


def psnr_of(error: float) -> float:
    """Decibels of a mean square error over 0..255."""
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def leave(console: Console, results: "Sequence[JobResult]", wanted: int, output: Path) -> None:
    """Sum up, and exit as the results deserve."""
    failed = [result for result in results if result.status in ("failed", "diverged")]
    interrupted = len(results) < wanted or any(result.status == "interrupted" for result in results)
    console.event("end", finished=len(results) - len(failed), failed=[r.name for r in failed], output=str(output))
    for result in failed:
        if result.status == "diverged":
            console.note(
                f"error: {result.name}: the loss was no longer finite; the last good latent is kept\n"
                "  hint: use a smaller --learning-rate, or check the model's weights"
            )
    if interrupted:
        console.note("interrupted; go on with the same command and --resume")
        raise typer.Exit(EXIT_INTERRUPTED)
    if failed and len(failed) == wanted and failed[0].error:
        raise typer.Exit(failed[0].error.exit_code)
    console.say(f"results:  {output}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)
