"""Clips of `i2s-trt embed`: the videos and figures that are written when their frames are embedded."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from cli.console import Console, loss_text

if TYPE_CHECKING:
    from i2s_trt.embedding.run.job import JobResult
    from i2s_trt.models.generator import Generator
    from i2s_trt.video.job import ClipJob, ClipResult

_COLUMNS = ("frame", "steps", "loss", "seconds", "moved")


def embed_clips(
    console: Console, job: "ClipJob", clips: Sequence[Path], output: Path, generator: "Generator"
) -> "list[JobResult]":
    """Embed clips one after the other, and write the videos of those that are done."""
    from i2s_trt.embedding.run.job import JobResult
    from i2s_trt.embedding.run.outputs import unique_names

    results = []
    for path, name in zip(clips, unique_names(clips), strict=True):
        result = job.run(path, name, output / name)
        if result.status == "finished":
            _write(console, result, output, generator)
        latent = result.folder.latent(0) if result.folder else None
        results.append(JobResult(path, name, result.status, latent, result.error))
        if result.status == "interrupted":
            break
    return results


def _write(console: Console, result: "ClipResult", output: Path, generator: "Generator") -> None:
    from i2s_trt.files import write_bytes
    from i2s_trt.synthesizer import TorchSynthesizer
    from i2s_trt.video.folder import stacked
    from i2s_trt.video.render import before_and_after, video_pictures, write_with_sound

    if result.folder is None:
        raise AssertionError("a finished clip has a folder")
    record, latents, render = result.folder.read(), stacked(list(result.latents)), TorchSynthesizer(generator)
    video = output / f"{result.name}.mp4"
    sound = result.source if record.info.has_audio else None
    has_sound = write_with_sound(video, video_pictures(render, latents), record.info.rate, sound)
    pairs = before_and_after(result.source, record.plan, generator.spec, video_pictures(render, latents))
    write_with_sound(output / f"{result.name}-strip.mp4", pairs, record.info.rate, sound)
    rows = [_row(number, latent) for number, latent in enumerate(result.latents)]
    write_bytes(output / f"{result.name}-frames.csv", _table(rows).encode())
    figures = _figures(rows)
    console.event(
        "clip", name=result.name, video=str(video), sound=has_sound, folder=str(result.folder.path), **figures
    )
    console.say(f"{result.name}: {_summary(figures, has_sound or not record.info.has_audio)}")


def _row(number: int, latent: Any) -> dict[str, Any]:
    extra = latent.extra
    moved = extra.get("moved", 0.0)
    return dict(
        zip(_COLUMNS, (number, extra["steps_done"], latent.losses["total"], extra["seconds"], moved), strict=True)
    )


def _table(rows: Sequence[dict[str, Any]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """First frame against the others, and the flicker: how far latents lie from the one before."""
    first, rest = rows[0], rows[1:] or rows[:1]
    return {
        "frames": len(rows),
        "first_steps": first["steps"], "first_seconds": first["seconds"], "first_loss": first["loss"],
        "steps": median(row["steps"] for row in rest),
        "seconds": median(row["seconds"] for row in rest),
        "loss": mean(row["loss"] for row in rest),
        "flicker": mean(row["moved"] for row in rest),
        "flicker_most": max(row["moved"] for row in rest),
    }  # fmt: skip


def _summary(figures: dict[str, Any], sounds_right: bool) -> str:
    return (
        f"{figures['frames']} frames; the first {figures['first_steps']} steps in {figures['first_seconds']:.1f} s to "
        f"loss {loss_text(figures['first_loss'])}, the others {figures['steps']:.0f} in {figures['seconds']:.1f} s to "
        f"{loss_text(figures['loss'])}; from frame to frame latents move {figures['flicker']:.2f}, at most "
        f"{figures['flicker_most']:.2f}" + ("" if sounds_right else "; its sound does not go into an .mp4")
    )
