"""`i2s-trt morph`: from one latent to the next."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import Engine, Rate, RenderPrecision, Seconds, Video, open_model
from cli.edit_outputs import Edited, check_output, deliver, video_rate


def morph(
    latents: Annotated[
        list[str], typer.Argument(help="Two latents or more: files, seed:N, or mean for the mean face.")
    ],
    output: Video = Path("morph.mp4"),
    frames: Annotated[int, typer.Option(help="Pictures from one latent to the next, both counted.")] = 60,
    rate: Rate = None,
    seconds: Seconds = None,
    easing: Annotated[str, typer.Option(help="linear, ease-in, ease-out or ease-in-out.")] = "ease-in-out",
    ping_pong: Annotated[
        bool | None,
        typer.Option("--ping-pong/--one-way", help="Go back the way it came; GIFs, which play for ever, do."),
    ] = None,
    wander: Annotated[
        float, typer.Option(min=0, help="Stray from the straight way; 1 by half its length, at random.")
    ] = 0.0,
    seed: opt.Seed = 0,
    model: opt.Model = "demo",
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    any_model: opt.AnyModel = False,
    json: opt.Json = False,
) -> None:
    """Morph from one latent to the next (the paper's section 4.1), as a video, a sheet or pictures.

    Example: i2s-trt morph ann.safetensors bob.safetensors -o morph.mp4
    """
    from i2s_trt.edit.sequence import MorphOptions, delta_at, frame_positions, morph_frames

    console = Console(json)
    there_and_back = output.suffix.lower() == ".gif" if ping_pong is None else ping_pong
    options = MorphOptions(frames, easing, there_and_back, wander, seed)
    speed = video_rate(output, len(frame_positions(len(latents), options)), rate, seconds)
    check_output(output, speed)
    opened = open_model(console, model, device, engine, precision, any_model)
    found, deltas = zip(*((opened.source.latent(text), opened.source.delta(text)) for text in latents), strict=True)
    edits = [
        Edited(f"frame-{number:05d}", f"{frame.position:.2f}", frame.w_plus, delta=delta_at(deltas, frame.position))
        for number, frame in enumerate(morph_frames(found, options))
    ]
    deliver(console, opened, output, edits, speed)
