"""The encoder: picture -> w+, a guess from which an embedding starts."""

import math
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.models.spec import GeneratorSpec

_SIDE, _LAST_SIDE = 64, 4
_CHANNELS = (32, 64, 96, 128, 128)
_HIDDEN = 256
_SLOPE = 0.2


class Encoder(nn.Module):
    """Strided convolutions on the picture at about 64 pixels, and two dense layers.

    Args:
        spec: of the generator whose latents it guesses.
    """

    stored_as: ClassVar[torch.dtype] = torch.float16
    mean_w: Tensor
    deviation: Tensor

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.shape = (spec.num_layers, spec.w_dim)
        height, width = spec.picture_size
        self.factor = max(1, width // _SIDE)
        height, width = height // self.factor, width // self.factor
        halvings = min(len(_CHANNELS) - 1, max(1, round(math.log2(width / _LAST_SIDE))))
        channels = (3, *_CHANNELS[: halvings + 1])
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

    def forward(self, images: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1] of the model's size -> w_plus [N, L, D]."""
        x = F.avg_pool2d(images, self.factor) if self.factor > 1 else images
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), _SLOPE)  # [N, C, H / 2, W / 2], 4 pixels wide at last
        x = F.leaky_relu(self.hidden(x.flatten(1)), _SLOPE)  # [N, _HIDDEN]
        guess: Tensor = self.out(x)  # [N, L D]
        return self.mean_w + self.deviation * guess.view(-1, *self.shape)
