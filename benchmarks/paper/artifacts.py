"""Circular artifacts: StyleGAN1's droplets, found in its feature maps where they stand out by far.

A droplet is a small spot that outshines a whole map, so that instance norm leaves the rest small (Karras et al. 2020,
section 2). In the picture it is a round blob; at 64 pixels a side it is a spike in nearly all channels.
"""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch

from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.models.generator import Generator

_LAYER_SIZE = 64  # pixels of the maps that are searched
_SPIKE = 8.0  # times the median magnitude of the map
_SMALL = 0.02  # share of the map that may be half as strong as the spike


@dataclass(frozen=True)
class Spot:
    """The strongest place of a picture's feature maps.

    Attributes:
        strength: its magnitude over the median.
        area: share of the map that is at least half as strong.
        row, column: where, as shares of height and width.
    """

    strength: float
    area: float
    row: float
    column: float

    @property
    def is_artifact(self) -> bool:
        """Whether it is a droplet: far stronger than the rest, and small."""
        return self.strength > _SPIKE and self.area < _SMALL


@torch.no_grad()
def strongest_spot(generator: Generator, w_plus: WPlus) -> Spot:
    """The strongest spot in the picture of one latent [L, D]."""
    latent = torch.from_numpy(w_plus[None]).to(generator.mean_w.device)
    small = takewhile(lambda features: features.shape[-1] <= _LAYER_SIZE, generator.synthesis.activations(latent))
    (features,) = deque(small, maxlen=1)  # [1, C, H, W]; every network begins at 4 pixels
    return spot_of(features[0].float().square().mean(dim=0).sqrt().cpu().numpy())


def spot_of(magnitude: Array) -> Spot:
    """The strongest place of a map [H, W] of magnitudes."""
    median = max(float(np.median(magnitude)), 1e-12)
    row, column = np.unravel_index(int(magnitude.argmax()), magnitude.shape)
    strength = float(magnitude.max()) / median
    area = float(np.mean(magnitude >= median + (magnitude.max() - median) / 2))
    height, width = magnitude.shape
    return Spot(strength, area, (float(row) + 0.5) / height, (float(column) + 0.5) / width)


def neighbourhood(picture: Pixels, spot: Spot, share: float = 0.25) -> Pixels:
    """A window of a picture around a spot, [h, w, 3], `share` of its size a side."""
    height, width = picture.shape[:2]
    h, w = max(8, round(height * share)), max(8, round(width * share))
    top = min(max(round(spot.row * height - h / 2), 0), height - h)
    left = min(max(round(spot.column * width - w / 2), 0), width - w)
    return np.ascontiguousarray(picture[top : top + h, left : left + w])
