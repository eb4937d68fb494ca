"""Options that several commands share, each defined once."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str, typer.Option("--model", "-m", help="A model's name in the store, a model folder, or a checkpoint file.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; made if need be.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Json = Annotated[bool, typer.Option("--json", help="NDJSON events on stdout and nothing else there.")]
Seed = Annotated[int, typer.Option("--seed", help="Of all randomness; every picture draws from a seed of its own.")]
Features = Annotated[
    str,
    typer.Option(
        "--features",
        help="VGG-16's weights for the perceptual loss: imagenet, trained and built in, as the paper's; random, from "
        "a seed; torchvision, trained, once pulled; or a file of that kind.",
    ),
]
Label = Annotated[int | None, typer.Option(min=0, help="Class of drawn seeds, for a conditional model.")]
AnyModel = Annotated[bool, typer.Option("--any-model", help="Accept latents that were made with another model.")]
