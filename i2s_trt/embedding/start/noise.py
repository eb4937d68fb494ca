"""Noise maps that are optimised along with the latent, as StyleGAN2's own projection does (Karras et al. 2020, D)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.embedding.options import Space
from i2s_trt.embedding.start.spaces import variable_shape
from i2s_trt.models.generator import Generator

# At 0..255. The astronaut in the built-in model, 150 steps at 0.05: the loss ends at 34,800 without maps of her own, at
# 27,200 with them and this weight, and rendered with the model's own noise instead she loses 0.4 dB. A hundredth of it
# brings 17,600, but then the maps draw her: with the model's noise 6 dB are lost. A hundred times as much, 28,500.
_WEIGHT = 3e7
_SMALLEST = 8  # pixels a side of the coarsest map that is looked at


class OptimisedNoise:
    """How latent and noise maps share one row of a variable: the latent's P values, then those of each map.

    Args:
        generator: gives the maps' sizes, and where they start from.
        space: of the latent.
        pixel_range: width of the range in which the objective sees pixels, 255 or less: what its losses grow with.

    Attributes:
        weight: of `structure` in the loss.
    """

    def __init__(self, generator: Generator, space: Space, pixel_range: float) -> None:
        self._shape = variable_shape(generator, space)
        self._maps = [map_.detach().float() for map_ in generator.synthesis.stored_noise()]
        self._sizes = [math.prod(self._shape), *(map_.numel() for map_ in self._maps)]
        self.weight = _WEIGHT * (pixel_range / 255) ** 2

    def join(self, latent: Tensor) -> Tensor:
        """The variable [P + M] of a latent in its space, with the model's stored maps."""
        return torch.cat([latent.flatten(), *(_white(map_).flatten().to(latent.device) for map_ in self._maps)])

    def split(self, variable: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Variables [N, P + M] -> latents [N, ...] in their space, and maps [N, 1, H, W]."""
        latent, *maps = torch.split(variable, self._sizes, dim=1)
        shaped = [map_.reshape(-1, *like.shape[1:]) for map_, like in zip(maps, self._maps, strict=True)]
        return latent.reshape(-1, *self._shape), shaped

    def whiten(self, variable: Tensor) -> Tensor:
        """Variables [N, P + M] with maps of mean 0 and variance 1 each, as those of a model are."""
        latent, maps = self.split(variable)
        return torch.cat([latent.flatten(1), *(_white(map_).flatten(1) for map_ in maps)], dim=1)


def structure(maps: Sequence[Tensor]) -> Tensor:
    """What maps [N, 1, H, W] show beyond noise, [N]: how pixels resemble their neighbours, on every scale.

    The sum over every map and its halvings down to 8 pixels of E[n n_right]^2 + E[n n_below]^2 (Eq. 7 of Karras et al.
    2020, appendix D). White noise comes to about 2 / (H W) a map.
    """
    total = torch.zeros(len(maps[0]), device=maps[0].device)
    for map_ in maps:
        n = map_
        while True:
            for side in (2, 3):
                total = total + (n * n.roll(1, side)).mean(dim=(1, 2, 3)).square()
            if n.shape[-1] <= _SMALLEST:
                break
            n = F.avg_pool2d(n, 2)
    return total


def _white(map_: Tensor) -> Tensor:
    """[N, 1, H, W] with mean 0 and variance 1 in each of N."""
    centred = map_ - map_.mean(dim=(1, 2, 3), keepdim=True)
    return centred * centred.square().mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12).rsqrt()
