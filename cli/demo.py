"""`i2s-trt demo`: the main job end to end, offline."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import options as opt
from cli.console import Console, loss_text
from cli.embed_report import psnr_of
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from i2s_trt.embedding.embed import EmbedProgress
    from i2s_trt.embedding.tune import Tuned


def demo(output: opt.Output = Path("demo"), json: opt.Json = False) -> None:
    """Embed photographs and drawn faces with the built-in model, edit them, and write a contact sheet.

    Example: i2s-trt demo -o demo
    """
    from cli.session_report import SessionReport, choose_features
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.demo.run import OPTIONS, TUNE, run_demo
    from i2s_trt.session import schedule_event

    console = Console(json)
    console.say("embedding three photographs and three drawn faces; this takes two minutes at most on two cores")
    generator, vgg = load_generator(), choose_features("imagenet", console)
    SessionReport(console)(schedule_event(generator, vgg, OPTIONS))
    with console.progress() as bar, stop_requests() as should_stop:

        def report(progress: "EmbedProgress") -> bool:
            loss = sum(progress.losses) / len(progress.losses)
            bar.show("embedding", min(progress.steps), progress.of, f"loss {loss_text(loss)}")
            return should_stop()

        def report_tuning(name: str, step: int) -> bool:
            bar.show(f"tuning to {name}", step, TUNE.steps)
            return should_stop()

        result = run_demo(output, report, report_tuning=report_tuning, generator=generator, vgg=vgg)
    for name, embedding in result.embeddings.items():
        latent = embedding.latent
        console.event("done", name=name, loss=latent.losses["total"], distance_to_mean=latent.distance)
        start = loss_text(latent.curve[0, 0]) if len(latent.curve) else "-"
        loss = f"loss {start} -> {loss_text(latent.losses['total'])}"
        console.say(f"{name}: {loss}, distance to mean {latent.distance:.1f}{_said(result.tuned.get(name))}")
    console.event("end", sheet=str(result.sheet), page=str(result.page))
    console.say(f"look at:  {result.sheet}")
    console.say(f"try:      {result.page} in a browser")
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def _said(tuned: "Tuned | None") -> str:
    if tuned is None:
        return ""
    before, after = map(psnr_of, tuned.mean_square_errors)
    return f", then tuned: PSNR {before:.1f} -> {after:.1f} dB"
