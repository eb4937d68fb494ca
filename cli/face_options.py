"""The options by which faces are found and aligned, defined once, and what they mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.faces.face import FaceDetector, Which
    from i2s_trt.images.fit import Fit
    from i2s_trt.photographs.people import AlignOptions

_PANEL = "Faces"
Align = Annotated[
    bool | None,
    typer.Option(
        "--align/--no-align",
        help="Align faces as FFHQ does, or take pictures as they are. Left out: align for models of faces, where a "
        "face is found.",
        rich_help_panel=_PANEL,
    ),
]
WhichFace = Annotated[
    str, typer.Option("--face", help="largest, all, or a number: 2 is the second largest.", rich_help_panel=_PANEL)
]
LandmarksFile = Annotated[
    Path | None,
    typer.Option(
        "--landmarks",
        help="JSON with the eyes and mouth of each photograph, by hand; see docs/photographs.md.",
        rich_help_panel=_PANEL,
    ),
]
DetectorFile = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        help="A YuNet .onnx or a dlib .dat to find faces with, in place of the built-in one.",
        rich_help_panel=_PANEL,
    ),
]


def which_from(text: str) -> "Which":
    """`largest`, `all` or a number from 1. Raises UsageError for anything else."""
    if text in ("largest", "all"):
        return text  # type: ignore[return-value]  # one of the two
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise UsageError(f"--face {text!r} is neither largest, all nor a number", "write --face 2 for the second")
    return int(text)


def align_options(demanded: bool, face: str, landmarks: Path | None, fit: "Fit" = "crop") -> "AlignOptions":
    """What was typed, checked. Raises UsageError and ImageError."""
    from i2s_trt.faces.landmarks import read_landmarks
    from i2s_trt.photographs.people import AlignOptions

    given = read_landmarks(landmarks) if landmarks else {}
    return AlignOptions(demanded, which_from(face), given, fit)


def detector_from(model: Path | None) -> "FaceDetector":
    """The detector that was asked for. Raises as `load_detector` does."""
    from i2s_trt.faces.detectors import load_detector

    return load_detector(model)
