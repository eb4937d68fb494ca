"""What the editing commands share: their options, the opened model, and lists of strengths."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.open import Opened
    from engines.synthesizers import Choice
    from i2s_trt.models.generator import Generator

_MANY = 10_000
Engine = Annotated[
    str, typer.Option("--engine", help="What renders: auto, torch, onnxruntime, tensorrt or tensorrt-rtx.")
]
RenderPrecision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="The numbers it renders in: auto, fp32, bf16 or fp16. auto takes fp32, and of built engines the smallest.",
    ),
]
Video = Annotated[
    Path,
    typer.Option("--output", "-o", help="FILE.mp4, FILE.gif, FILE.png or .jpg for a labelled sheet, or a folder."),
]
LATENT = "A latent file, seed:N (seed:N@LABEL of a conditional model), or mean for the mean face."
Rate = Annotated[
    float | None, typer.Option("--rate", help="Pictures a second in videos; 30 if left out, fewer in short ones.")
]
Seconds = Annotated[
    float | None, typer.Option("--seconds", help="How long a video lasts, in place of --rate; 2 at least if left out.")
]


def layers_of(text: str) -> "Sequence[int] | None":
    """`0-3,8` -> the layers; None for no text. Raises UsageError for what names none."""
    from i2s_trt.edit.recipe.values import layers

    try:
        return layers(text or None)
    except ValueError as error:
        raise UsageError(f"--layers {text!r} names no layers", "write 9-17 or 8,9,12") from error


def open_model(
    console: Console, model: str, device: str, engine: str, precision: str, any_model: bool, reason: str = ""
) -> "Opened":
    """Load a model, choose its engine and say which, and why unless there is a `reason` of the caller's own.

    Raises as `engines.open.open_model` does.
    """
    from engines.open import open_model

    with console.progress():
        opened = open_model(model, device, engine, precision, any_model=any_model)
    _say_engine(console, replace(opened.choice, reason=reason) if reason else opened.choice)
    return opened


def choose_engine(
    console: Console, generator: "Generator", engine: str, precision: str, provider: str = "auto"
) -> "Choice":
    """What renders, which is said. Raises as `choose_synthesizer` does."""
    from engines.synthesizers import choose_synthesizer

    with console.progress():
        choice = choose_synthesizer(engine, generator, provider, precision)
    _say_engine(console, choice)
    return choice


def _say_engine(console: Console, choice: "Choice") -> None:
    numbers = "" if choice.precision == "auto" else f" in {choice.precision}"
    console.say(f"engine:   {choice.engine}{numbers} ({choice.reason})")
    console.event("engine", name=choice.engine, precision=choice.precision, reason=choice.reason)


def parse_strengths(text: str, option: str = "--strength") -> list[float]:
    """`0.8`, `-1,0,1` or `-1:1:9` (first, last, how many) -> numbers. Raises UsageError for anything else."""
    ends = text.split(":")
    try:
        if len(ends) == 3:
            first, last, count = float(ends[0]), float(ends[1]), int(ends[2])
            numbers = [first + (last - first) * i / (count - 1) for i in range(min(count, _MANY + 1))]
        else:
            numbers = [float(part) for part in text.split(",")]
    except (ValueError, ZeroDivisionError) as error:
        raise _no_numbers(option, text) from error
    if not 0 < len(numbers) <= _MANY or not all(map(math.isfinite, numbers)):
        raise _no_numbers(option, text)
    return numbers


def stem(latent: str) -> str:
    """How a latent is called in the names of results: its file without suffix, `seed7`, `mean`."""
    return Path(latent).stem.replace(":", "")


def _no_numbers(option: str, text: str) -> UsageError:
    return UsageError(
        f"{option} {text!r} is neither a number nor a list of numbers, {_MANY} at most", "write 0.8, -1,0,1 or -1:1:9"
    )
