"""The encoder: picture -> w+, a guess from which an embedding starts."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.errors import ModelError
from i2s_trt.models.spec import GeneratorSpec

MOST_ROUNDS = 10
_SIDE, _LAST_SIDE = 64, 4
_CHANNELS = (32, 64, 96, 128, 128)
_HIDDEN = 256
_SLOPE = 0.2


class Encoder(nn.Module):
    """Strided convolutions on the picture at about 64 pixels, and two dense layers.

    Args:
        spec: of the generator whose latents it guesses.
        rounds: how often it looks; more than once, it sees beside the picture what its guess still lacks, and corrects
            it (as ReStyle does, Alaluf et al. 2021).
    """

    stored_as: ClassVar[torch.dtype] = torch.float16
    mean_w: Tensor
    deviation: Tensor

    def __init__(self, spec: GeneratorSpec, rounds: int = 1) -> None:
        super().__init__()
        self.shape, self.rounds = (spec.num_layers, spec.w_dim), rounds
        height, width = spec.picture_size
        self.factor = max(1, width // _SIDE)
        height, width = height // self.factor, width // self.factor
        halvings = min(len(_CHANNELS) - 1, max(1, round(math.log2(width / _LAST_SIDE))))
        channels = (6 if self.looks_at_its_guess else 3, *_CHANNELS[: halvings + 1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=1 if first else 2, padding=1)
            for first, (i, o) in zip([True] + [False] * halvings, pairwise(channels), strict=True)
        )
        for _ in range(halvings):
            height, width = (height + 1) // 2, (width + 1) // 2
        self.hidden = nn.Linear(channels[-1] * height * width, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, spec.num_layers * spec.w_dim)
        self.register_buffer("mean_w", torch.zeros(spec.w_dim))
        self.register_buffer("deviation", torch.ones(()))

    @property
    def looks_at_its_guess(self) -> bool:
        """Whether it needs the generator: `refine`."""
        return self.rounds > 1

    def forward(self, images: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1] of the model's size -> w_plus [N, L, D].

        Raises:
            ModelError: the encoder looks at its own guesses, which it needs a generator for: `refine`.
        """
        if self.looks_at_its_guess:
            raise ModelError("this encoder corrects its own guesses, and needs the generator for it", "use refine")
        return self.mean_w + self._seen_in(self._reduced(images))

    def refine(self, images: Tensor, render: Callable[[Tensor], Tensor]) -> Tensor:
        """Look again and again at pictures and guesses; as `forward`, and `render` is w_plus -> pictures."""
        latents = self.mean_w.expand(len(images), *self.shape)
        for _ in range(self.rounds):
            latents = self.corrected(latents, images, render)
        return latents

    def corrected(self, latents: Tensor, images: Tensor, render: Callable[[Tensor], Tensor]) -> Tensor:
        """One round of `refine`: what latents [N, L, D] become after a look at pictures [N, 3, H, W]."""
        with torch.no_grad():
            lacking = self._reduced(images - render(latents))  # [N, 3, h, 64]
        return latents.detach() + self._seen_in(torch.cat([self._reduced(images), lacking], dim=1))

    def _reduced(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images, self.factor) if self.factor > 1 else images

    def _seen_in(self, x: Tensor) -> Tensor:
        """What is added to a latent: [N, 3 or 6, h, 64] -> [N, L, D]."""
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), _SLOPE)  # [N, C, h / 2, 32], 4 pixels wide at last
        x = F.leaky_relu(self.hidden(x.flatten(1)), _SLOPE)  # [N, _HIDDEN]
        guess: Tensor = self.out(x)  # [N, L D]
        return self.deviation * guess.view(-1, *self.shape)
