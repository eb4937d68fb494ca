"""Fits a photograph to a model's picture size, and network images to 8-bit pixels."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from i2s_trt.arrays import Pixels

Fit = Literal["crop", "pad"]


class PictureShape(Protocol):
    """What a picture must measure for a model; `GeneratorSpec` says so."""

    @property
    def resolution(self) -> int:
        """Pixels a side of the square that holds the picture."""
        ...

    @property
    def window(self) -> tuple[slice, slice]:
        """The square's rows and columns that are the picture."""
        ...

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width."""
        ...


@dataclass(frozen=True)
class Square:
    """The shape of pictures that belong to no model."""

    resolution: int

    @property
    def window(self) -> tuple[slice, slice]:
        """All rows and columns."""
        return slice(0, self.resolution), slice(0, self.resolution)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width."""
        return self.resolution, self.resolution


def fit_picture(pixels: "Pixels", spec: PictureShape, fit: Fit = "crop") -> "Pixels":
    """Scale a photograph to the model's picture with an antialiasing filter (Lanczos).

    Args:
        pixels: uint8 [H, W, 3].
        spec: gives the picture's size, [h, w]; not always a square.
        fit: `crop` cuts the middle out to the picture's proportions, `pad` keeps all and adds black bars.

    Returns:
        uint8 [h, w, 3].
    """
    return fit_to(pixels, spec.picture_size, fit)


def fit_to(pixels: "Pixels", size: tuple[int, int], fit: Fit = "crop") -> "Pixels":
    """The same for a picture of any height and width."""
    import numpy as np
    from PIL import Image, ImageOps

    height, width = size
    picture = Image.fromarray(pixels)
    method = ImageOps.pad if fit == "pad" else ImageOps.fit
    return np.array(method(picture, (width, height), method=Image.Resampling.LANCZOS))


def to_target(pixels: "Pixels") -> "Tensor":
    """uint8 [H, W, 3] -> float32 [3, H, W] in [-1, 1], the inverse of `to_pixels`."""
    import numpy as np
    import torch

    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1).contiguous()


def to_pixels(images: "Tensor") -> "Pixels":
    """Network images [N, 3, H, W], nominally in [-1, 1], -> uint8 [N, H, W, 3].

    The original's conversion: truncate(clip(127.5 x + 128, 0, 255)).
    """
    import torch

    scaled = (images.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def picture_digest(pixels: "Pixels") -> str:
    """sha256 of a picture's shape and pixels."""
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
