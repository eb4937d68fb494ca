"""The options of clips, each defined once."""

from typing import Annotated

import typer

_PANEL = "Clips"
FrameSteps = Annotated[
    int,
    typer.Option(
        min=0, help="Gradient steps of each frame after the first, from the one before.", rich_help_panel=_PANEL
    ),
]
TemporalWeight = Annotated[
    float,
    typer.Option(min=0, help="How strongly a frame is held to the one before; 0 not at all.", rich_help_panel=_PANEL),
]
Smoothing = Annotated[
    float,
    typer.Option(min=0, help="Frames over which the face's place is smoothed; 0 leaves it.", rich_help_panel=_PANEL),
]
MostFrames = Annotated[
    int, typer.Option("--frames", min=0, help="Embed no more frames than this; 0 for all.", rich_help_panel=_PANEL)
]
