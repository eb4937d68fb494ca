"""The weights of VGG-16 that ship with the program: where they lie, what they are, and whether they are whole."""

import hashlib
from pathlib import Path

from i2s_trt.errors import EnvironmentFault

WEIGHTS = Path(__file__).parent.parent / "weights" / "vgg16" / "features.safetensors"
SHA256 = "a34cb2e522919ea9456e667f64eb285479cde49f4d607a309561059af7cdf48c"
NAME = "VGG-16 trained on ImageNet (Oxford's weights, built in)"
LICENCE = "CC BY 4.0, Simonyan and Zisserman 2015, University of Oxford"
UNPROVEN = "first kernel proven to be theirs, the others likely (weights/vgg16/README.md)"
_HINT = "install i2s-trt again"


def read_weights() -> bytes:
    """The file's bytes, which are held against its digest: float16, torchvision's names, to conv4_2.

    Raises:
        EnvironmentFault: the file is missing or damaged.
    """
    try:
        content = WEIGHTS.read_bytes()
    except OSError as error:
        raise EnvironmentFault(f"the built-in weights of VGG-16 cannot be read: {error}", _HINT) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise EnvironmentFault(
            f"the built-in weights of VGG-16 are damaged: {WEIGHTS} has the sha256 {digest}, not {SHA256}", _HINT
        )
    return content
