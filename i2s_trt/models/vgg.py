"""VGG-16 up to conv4_2: the features of the perceptual loss (Simonyan & Zisserman 2015; the paper's Eq. 2)."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.models import vgg_weights
from i2s_trt.models.vgg_layout import CONVOLUTIONS, POOLED_BEFORE, TAPS

_RANDOM_SEED = 16
_CALIBRATION_SIZE = 64


@dataclass(frozen=True)
class FeatureSource:
    """Where a feature network's weights come from.

    Attributes:
        name: short and for people, such as `VGG-16 trained on ImageNet`.
        digest: sha256 of the weights.
        input_scale: the one of `ObjectiveOptions` that the weights expect; empty where any will do, or none is known.
    """

    name: str
    digest: str
    input_scale: str = ""


class Vgg16(nn.Module):
    """The first nine convolutions of VGG-16 with torchvision's names (`features.{index}.weight`)."""

    def __init__(self, source: FeatureSource | None = None) -> None:
        super().__init__()
        self.source = source or FeatureSource("VGG-16 without weights", "")
        layers = {str(i): nn.Conv2d(inputs, outputs, 3, padding=1) for i, (_, inputs, outputs) in CONVOLUTIONS.items()}
        self.features = nn.ModuleDict(layers)

    def forward(self, images: Tensor, taps: Iterable[str] = TAPS, *, after_relu: bool = True) -> dict[str, Tensor]:
        """Features of images.

        Args:
            images: [N, 3, H, W], scaled as the weights expect; H and W at least 8.
            taps: names such as `conv3_2`; the network runs no further than the last.
            after_relu: whether to tap behind or before the activation.

        Returns:
            [N, C, H / s, W / s] by tap, s = 1 for conv1, 2 for conv2, 4 for conv3, 8 for conv4.
        """
        wanted = set(taps)
        found: dict[str, Tensor] = {}
        x = images
        for index, (name, _, _) in CONVOLUTIONS.items():
            if len(found) == len(wanted):
                break
            x = F.max_pool2d(x, 2) if index in POOLED_BEFORE else x
            x = self.features[str(index)](x)  # [N, C, H / s, W / s]
            activated = F.relu(x)
            if name in wanted:
                found[name] = activated if after_relu else x
            x = activated
        return found


def imagenet_vgg16() -> Vgg16:
    """The built-in features trained on ImageNet, as the paper's perceptual loss has them, the default; in float32.

    They expect the input scale `mean-255`. Provenance and licence: `i2s_trt/weights/vgg16/README.md`.

    Raises:
        EnvironmentFault: the file is missing or damaged.
    """
    vgg = Vgg16()
    vgg.load_state_dict(safetensors.torch.load(vgg_weights.read_weights()))  # float16 into float32
    vgg.source = FeatureSource(vgg_weights.NAME, weights_digest(vgg), "mean-255")
    return vgg.eval().requires_grad_(False)


def random_vgg16() -> Vgg16:
    """Random features from a fixed seed, scaled so that every activation has the mean square of the input.

    ReLU is homogeneous, so each convolution can be scaled exactly, one after the other. Random features compare edges
    and colours at four scales; they know nothing of what pictures show.
    """
    random = np.random.default_rng(_RANDOM_SEED)
    vgg = Vgg16()
    x = _calibration_images(random)
    target = x.square().mean()
    with torch.no_grad():
        for index, (_, inputs, outputs) in CONVOLUTIONS.items():
            convolution = cast(nn.Conv2d, vgg.features[str(index)])
            weight = random.standard_normal((outputs, inputs, 3, 3), dtype=np.float32) / math.sqrt(9 * inputs)
            convolution.weight.copy_(torch.from_numpy(weight))
            convolution.bias.zero_()  # type: ignore[union-attr]
            x = F.max_pool2d(x, 2) if index in POOLED_BEFORE else x
            y = F.relu(convolution(x))
            scale = (target / y.square().mean()).sqrt()
            convolution.weight.mul_(scale)
            x = y * scale
    vgg.source = FeatureSource("random features (seeded VGG-16 shape, not trained on ImageNet)", weights_digest(vgg))
    return vgg.eval().requires_grad_(False)


def _calibration_images(random: np.random.Generator) -> Tensor:
    """Smooth random pictures of about the deviation of mean-subtracted photographs in 0..255."""
    coarse = torch.from_numpy(random.standard_normal((2, 3, 8, 8), dtype=np.float32))
    smooth = F.interpolate(coarse, size=(_CALIBRATION_SIZE, _CALIBRATION_SIZE), mode="bilinear", align_corners=False)
    return smooth * (64.0 / smooth.std())


def weights_digest(vgg: Vgg16) -> str:
    """sha256 of the weights, with their names."""
    state = hashlib.sha256()
    for name, tensor in sorted(vgg.state_dict().items()):
        state.update(name.encode() + tensor.numpy().tobytes())
    return state.hexdigest()
