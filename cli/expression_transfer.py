"""`i2s-trt expression-transfer`: the difference of two latents, or a direction from a file, on a third."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import (
    LATENT,
    Engine,
    Rate,
    RenderPrecision,
    Seconds,
    Video,
    layers_of,
    open_model,
    parse_strengths,
    stem,
)  # fmt: skip
from cli.edit_outputs import Edited, check_output, deliver, numbered, video_rate
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.arrays import WPlus
    from i2s_trt.edit.sources import LatentSource


def expression_transfer(
    target: Annotated[str, typer.Argument(help=f"What is changed. {LATENT}")],
    neutral: Annotated[str, typer.Argument(help="A face at rest.")] = "",
    expression: Annotated[str, typer.Argument(help="The same face with an expression.")] = "",
    output: Video = Path("expression"),
    strength: Annotated[
        str, typer.Option(help="0.8; several as -1,0,1; or -1:1:9 for nine from -1 to 1. Negative gives the opposite.")
    ] = "1",
    threshold: Annotated[float, typer.Option(min=0, help="Layers whose difference is shorter stay as they are.")] = 1.0,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Scale the difference to length 1, so that strengths are lengths in W+.")
    ] = False,
    direction: Annotated[
        Path | None,
        typer.Option(help="A direction from a file in place of NEUTRAL and EXPRESSION; FILE:3 of several."),
    ] = None,
    layers: Annotated[str, typer.Option(help="Layers that are changed, as 0-3 or 2,3,5; all if left out.")] = "",
    save_direction: Annotated[Path | None, typer.Option(help="Keep the difference as a .npy direction.")] = None,
    rate: Rate = None,
    seconds: Seconds = None,
    model: opt.Model = "demo",
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    any_model: opt.AnyModel = False,
    json: opt.Json = False,
) -> None:
    """Transfer an expression from one face to another (the paper's section 4.3), at one strength or over a ramp.

    Example: i2s-trt expression-transfer ann.safetensors calm.safetensors glad.safetensors --strength -1:1:7 -o ramp.png
    """
    from i2s_trt.edit.operations import move

    console = Console(json)
    strengths = parse_strengths(strength)
    speed = video_rate(output, len(strengths), rate, seconds)
    check_output(output, speed)
    _check_ends(neutral, expression, direction)
    chosen = layers_of(layers)
    opened = open_model(console, model, device, engine, precision, any_model)
    latent, delta = opened.source.latent(target), opened.source.delta(target)
    vector = _direction(opened.source, neutral, expression, direction, threshold, normalize)
    _describe(console, vector, direction.name if direction else f"{expression} - {neutral}")
    if save_direction:
        _save(console, save_direction, vector)
    record = {"operation": "expression", "target": target, "neutral": neutral, "expression": expression,
              "direction": str(direction or ""), "threshold": threshold, "normalize": normalize,
              "layers": layers}  # fmt: skip
    names = numbered(f"{stem(target)}-expression", len(strengths))
    edits = [
        Edited(name, f"{value:.3g}", move(latent, vector, value, chosen), {**record, "strength": value}, delta)
        for name, value in zip(names, strengths, strict=True)
    ]
    deliver(console, opened, output, edits, speed)


def _check_ends(neutral: str, expression: str, direction: Path | None) -> None:
    given = bool(neutral) + bool(expression)
    if given != (0 if direction else 2):
        raise UsageError(
            "an expression comes from two latents, or from a direction",
            "name NEUTRAL and EXPRESSION, or --direction FILE, and not both",
        )


def _direction(
    source: "LatentSource", neutral: str, expression: str, file: Path | None, threshold: float, normalize: bool
) -> "WPlus":
    from i2s_trt.edit.operations import expression_direction, normalized

    if file is None:
        ends = source.latent(neutral), source.latent(expression)
        return expression_direction(*ends, threshold, normalize=normalize)
    vector = source.direction_vector(str(file))
    return normalized(vector) if normalize else vector


def _describe(console: Console, vector: "WPlus", name: str) -> None:
    """Say how long the direction is, and when it is nothing at all."""
    import numpy as np

    rows = np.linalg.norm(vector, axis=1)
    norm = float(np.linalg.norm(rows))
    console.say(f"direction: {name}, norm {norm:.3f} in {np.count_nonzero(rows)} of {len(rows)} layers")
    console.event("direction", name=name, norm=norm, row_norms=[float(row) for row in rows])
    if not rows.any():
        console.note("note: every layer's difference is shorter than the threshold: nothing changes; see --threshold")


def _save(console: Console, path: Path, vector: "WPlus") -> None:
    from i2s_trt.edit.direction import save_direction
    from i2s_trt.files import make_folder

    make_folder(path.parent)
    save_direction(path, vector)
    console.event("file", path=str(path))
