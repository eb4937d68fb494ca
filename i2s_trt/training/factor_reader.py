"""The factor reader: a small network that says what a portrait shows, so that edits can be measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.errors import ImageError

READ = (
    "yaw", "face_width", "hair_length", "bangs", "bald", "curl", "glasses", "smile", "mouth_open", "eye_open",
    "gaze", "brow_height", "brow_angle", "moustache", "beard", "age", "skin_tone", "hair_darkness", "hair_grey",
    "lip_colour", "light_side", "backdrop_light", "clothes_light", "hat", "hair_texture", "stubble", "skin_texture",
    "light_strength", "light_warmth",
)  # fmt: skip
SIZE = 64
_CHANNELS = (32, 48, 96, 128)
_FILE = "factor_reader.safetensors"


@dataclass(frozen=True)
class FactorReading(Mapping[str, Tensor]):
    """Factor name -> values [N], on the scale of `training.factors.Factors` (not clamped)."""

    names: tuple[str, ...]
    table: Tensor  # [N, len(names)]

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.names:
            raise KeyError(name)
        return self.table[:, self.names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class FactorReader(nn.Module):
    """Four strided convolutions and two dense layers; looks at 64x64 pixels whatever it is given."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *_CHANNELS)
        blocks = [
            nn.Sequential(
                nn.Conv2d(i, o, 5 if i == 3 else 3, 2, 2 if i == 3 else 1),
                nn.BatchNorm2d(o),
                nn.LeakyReLU(0.1),
            )
            for i, o in pairwise(widths)
        ]
        self.features = nn.Sequential(*blocks, nn.Flatten())
        self.head = nn.Sequential(nn.Linear(_CHANNELS[-1] * 16, 128), nn.LeakyReLU(0.1), nn.Linear(128, len(READ)))

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, 3, 64, 64] in [-1, 1] to factors [N, len(READ)]."""
        factors: Tensor = self.head(self.features(images))
        return factors

    @torch.no_grad()
    def read(self, images: Tensor) -> FactorReading:
        """What images [N, 3, R, R] (float, [-1, 1], aligned, R >= 64) show.

        Raises:
            ImageError: another shape, or smaller images.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SIZE:
            raise ImageError(
                f"the factor reader was given images of shape {list(images.shape)}",
                f"give it [N, 3, R, R] with R of at least {SIZE}, values in [-1, 1]",
            )
        return FactorReading(READ, self(shrink(images)))


def shrink(images: Tensor) -> Tensor:
    """Images to 64x64 by averaging, clamped to [-1, 1]."""
    small = images if images.shape[-1] == SIZE else F.interpolate(images, (SIZE, SIZE), mode="area")
    return small.clamp(-1.0, 1.0)


def load_factor_reader() -> FactorReader:
    """The reader that is part of the package, frozen, in evaluation mode."""
    import safetensors.torch

    reader = FactorReader()
    with as_file(files("i2s_trt") / "weights" / _FILE) as path:
        tensors = safetensors.torch.load_file(path)
    reader.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    )
    return reader.eval().requires_grad_(False)
