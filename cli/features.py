"""Chooses the feature network of the perceptual loss and says which it is."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.embedding.options import ObjectiveOptions
    from i2s_trt.models.vgg import Vgg16

_IMAGENET, _RANDOM, _TORCHVISION = "imagenet", "random", "torchvision"
_CHOICES = f"take {_IMAGENET} (the default), {_RANDOM}, {_TORCHVISION} (once pulled), or a file with VGG-16's weights"


def choose_features(choice: str, console: Console) -> "Vgg16":
    """`imagenet`, `random`, `torchvision` or a file -> a feature network.

    Raises:
        UsageError: no such choice and no such file, or torchvision's is not on this machine.
        CheckpointError: the file is not VGG-16's weights.
        EnvironmentFault: the built-in weights are damaged.
    """
    from i2s_trt.checkpoints.vgg import load_vgg16
    from i2s_trt.models.vgg import imagenet_vgg16, random_vgg16

    built_in = {_IMAGENET: imagenet_vgg16, _RANDOM: random_vgg16}.get(choice)
    vgg = built_in() if built_in else load_vgg16(_file(choice))
    console.say(f"features: {vgg.source.name}")
    console.event("features", name=vgg.source.name, digest=vgg.source.digest)
    return vgg


def note_input_scale(vgg: "Vgg16", objective: "ObjectiveOptions", console: Console) -> None:
    """Say so where features see pictures in another range than they were trained for."""
    expected, given = vgg.source.input_scale, objective.input_scale
    if expected in ("", given) or not (any(objective.layer_weights.values()) or objective.style_weight):
        return
    console.event("input_scale", given=given, expected=expected)
    console.note(f"note: these features were trained for --input-scale {expected}; with {given} the loss is another")


def _file(choice: str) -> Path:
    """The file that is chosen."""
    from i2s_trt.checkpoints.sources import vgg16_file

    path = vgg16_file() if choice == _TORCHVISION else Path(choice)
    if path is None:
        raise UsageError(
            "torchvision's VGG-16 weights are not on this machine",
            f"i2s-trt models pull vgg16, or --features {_IMAGENET}, which are built in",
        )
    if not path.is_file():
        raise UsageError(f"--features {choice!r}: no features of that name and no such file", _CHOICES)
    return path
