"""The feature networks that have a name."""

from pathlib import Path

from i2s_trt.checkpoints.sources import vgg16_file
from i2s_trt.checkpoints.vgg import load_vgg16
from i2s_trt.errors import UsageError
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16, random_vgg16

_IMAGENET, _RANDOM, _TORCHVISION = "imagenet", "random", "torchvision"
_CHOICES = f"take {_IMAGENET} (the default), {_RANDOM}, {_TORCHVISION} (once pulled), or a file with VGG-16's weights"


def load_features(choice: str) -> Vgg16:
    """`imagenet`, `random`, `torchvision` or a file -> a feature network.

    Raises:
        UsageError: no such choice and no such file, or torchvision's is not on this machine.
        CheckpointError: the file is not VGG-16's weights.
        EnvironmentFault: the built-in weights are damaged.
    """
    built_in = {_IMAGENET: imagenet_vgg16, _RANDOM: random_vgg16}.get(choice)
    return built_in() if built_in else load_vgg16(_file(choice))


def features_file(choice: str) -> Path | None:
    """The file that `load_features` would read; None for what is built in or not there."""
    if choice in (_IMAGENET, _RANDOM):
        return None
    path = vgg16_file() if choice == _TORCHVISION else Path(choice)
    return path if path and path.is_file() else None


def _file(choice: str) -> Path:
    path = vgg16_file() if choice == _TORCHVISION else Path(choice)
    if path is None:
        raise UsageError(
            "torchvision's VGG-16 weights are not on this machine",
            f"i2s-trt models pull vgg16, or --features {_IMAGENET}, which are built in",
        )
    if not path.is_file():
        raise UsageError(f"--features {choice!r}: no features of that name and no such file", _CHOICES)
    return path
