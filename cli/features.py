"""Chooses the feature network of the perceptual loss and says which it is."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.embedding.options import ObjectiveOptions
    from i2s_trt.models.vgg import Vgg16

_AUTO, _RANDOM, _IMAGENET, _TORCHVISION = "auto", "random", "imagenet", "torchvision"
_PULL = "i2s-trt models pull vgg16, or --features imagenet, which are built in"


def choose_features(choice: str, console: Console) -> "Vgg16":
    """`auto`, `random`, `imagenet`, `torchvision` or a file -> a feature network.

    Raises:
        UsageError: no such file, or torchvision's is not on this machine.
        CheckpointError: the file is not VGG-16's weights.
        EnvironmentFault: the built-in weights are damaged.
    """
    from i2s_trt.models.vgg import imagenet_vgg16, load_vgg16

    path = None if choice == _IMAGENET else _file(choice)
    vgg = imagenet_vgg16() if choice == _IMAGENET else load_vgg16(path)
    console.say(f"features: {vgg.source.name}")
    if path is None and choice == _AUTO:
        console.say("          for the paper's perceptual loss: --features imagenet (built in)")
    console.event("features", name=vgg.source.name, digest=vgg.source.digest)
    return vgg


def note_input_scale(vgg: "Vgg16", objective: "ObjectiveOptions", console: Console) -> None:
    """Say so where features see pictures in another range than they were trained for."""
    expected, given = vgg.source.input_scale, objective.input_scale
    if expected in ("", given) or not (any(objective.layer_weights.values()) or objective.style_weight):
        return
    console.event("input_scale", given=given, expected=expected)
    console.note(f"note: these features were trained for --input-scale {expected}; with {given} the loss is another")


def _file(choice: str) -> Path | None:
    """The file that is chosen; None for the random features."""
    from i2s_trt.checkpoints.sources import vgg16_file

    if choice == _RANDOM:
        return None
    path = vgg16_file() if choice in (_AUTO, _TORCHVISION) else Path(choice)
    if path is None and choice == _TORCHVISION:
        raise UsageError("torchvision's VGG-16 weights are not on this machine", _PULL)
    if path is not None and not path.is_file():
        raise UsageError(f"no file {path} with VGG-16's weights", _PULL)
    return path
