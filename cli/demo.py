"""`i2s-trt demo`: the main job end to end, offline."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import options as opt
from cli.console import Console
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from i2s_trt.embedding.loop import EmbedProgress


def demo(output: opt.Output = Path("demo"), json: opt.Json = False) -> None:
    """Embed two real photographs with the built-in model and write a contact sheet.

    Example: i2s-trt demo -o demo
    """
    from i2s_trt.demo import run_demo

    console = Console(json)
    console.say("model:    demo (64x64, random weights: it shows the machinery, not faces)")
    with console.progress() as bar, stop_requests() as should_stop:

        def report(name: str, progress: "EmbedProgress") -> bool:
            bar.show(name, progress.steps[0], progress.of, f"loss {progress.losses[0]:.4g}")
            return should_stop()

        result = run_demo(output, report)
    console.say(f"features: {result.features}")
    for name, embedding in result.embeddings.items():
        latent = embedding.latent
        console.event("done", name=name, loss=latent.losses["total"], distance_to_mean=latent.distance)
        console.say(
            f"{name}: loss {latent.curve[0, 0]:.4g} -> {latent.losses['total']:.4g} "
            f"in {latent.extra['seconds']:.0f} s, distance to the mean latent {latent.distance:.2f}"
        )
    console.event("end", sheet=str(result.sheet))
    console.say(f"look at:  {result.sheet}")
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
