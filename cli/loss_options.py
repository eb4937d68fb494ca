"""The options of the loss, Eq. 1 and 2, defined once."""

from pathlib import Path
from typing import Annotated

import typer

_PANEL = "Loss (Eq. 1 and 2)"
PixelWeight = Annotated[float, typer.Option(help="lambda_mse.", rich_help_panel=_PANEL)]
Layers = Annotated[
    str,
    typer.Option(help="VGG layers with weights, as conv3_2 or conv1_1=2,conv3_2; none.", rich_help_panel=_PANEL),
]
PerceptualSize = Annotated[
    int,
    typer.Option(min=0, help="Longer side at which VGG looks; 0 for the picture's own.", rich_help_panel=_PANEL),
]
Resize = Annotated[str, typer.Option(help="area or bilinear.", rich_help_panel=_PANEL)]
InputScale = Annotated[str, typer.Option(help="mean-255, normalized, unit or signed.", rich_help_panel=_PANEL)]
BeforeRelu = Annotated[
    bool, typer.Option("--before-relu", help="Compare features before the activation.", rich_help_panel=_PANEL)
]
StyleImage = Annotated[
    Path | None, typer.Option(help="Match this picture's conv4_2 style as well.", rich_help_panel=_PANEL)
]
StyleWeight = Annotated[float, typer.Option(help="Of the style loss.", rich_help_panel=_PANEL)]
PriorWeight = Annotated[
    float,
    typer.Option(
        help="Weight of staying near the model's samples: 3 makes latents that edit well with the built-in features, "
        "0 fits closest.",
        rich_help_panel=_PANEL,
    ),
]
