"""Chooses the feature network of the perceptual loss and says which it is."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.models.vgg import Vgg16


def choose_features(choice: str, console: Console) -> "Vgg16":
    """`auto`, `random` or a file -> a feature network.

    Raises:
        UsageError: no such file.
        CheckpointError: the file is not VGG-16's weights.
    """
    from i2s_trt.checkpoints.sources import vgg16_file
    from i2s_trt.models.vgg import load_vgg16

    path = {"auto": vgg16_file(), "random": None}.get(choice, Path(choice))
    if path is not None and not path.is_file():
        raise UsageError(f"no file {path} with VGG-16's weights", "i2s-trt models pull vgg16, or --features random")
    vgg = load_vgg16(path)
    console.say(f"features: {vgg.source.name}")
    if path is None and choice == "auto":
        console.say("          for the paper's perceptual loss fetch the trained ones: i2s-trt models pull vgg16")
    console.event("features", name=vgg.source.name, digest=vgg.source.digest)
    return vgg
