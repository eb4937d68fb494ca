"""FFHQ's alignment: the oriented square of a photograph as an upright picture, without aliasing or hard borders.

The steps are those of the FFHQ dataset's own recreation: shrink, crop, pad, warp at four times the size or more, scale.
"""

from dataclasses import dataclass

import numpy as np

from i2s_trt.arrays import Array, Pixels
from i2s_trt.photographs.quad import Quad, quad_side

TRANSFORM_SIZE = 4096  # pixels a side at which the quad is warped; FFHQ's 1024 times four


@dataclass(frozen=True)
class Cutout:
    """A quad on its way to the picture: the pixels around it, and its place in them."""

    pixels: Pixels
    quad: Quad

    @property
    def side(self) -> float:
        """Side of the quad in pixels."""
        return quad_side(self.quad)

    @property
    def border(self) -> int:
        """What is kept around the quad, in pixels."""
        return max(int(np.rint(self.side * 0.1)), 3)


def align_quad(pixels: Pixels, quad: Quad, size: int, transform_size: int = TRANSFORM_SIZE) -> Pixels:
    """A square of a photograph as a model's picture.

    Args:
        pixels: the upright photograph, uint8 [H, W, 3].
        quad: the square, see `photographs.quad`; it may reach beyond the photograph.
        size: pixels a side of the picture.
        transform_size: pixels a side at which the quad is warped; at least four times `size` leaves no aliasing.

    Returns:
        uint8 [size, size, 3].
    """
    cut = pad(crop(shrink(Cutout(pixels, np.array(quad, np.float64)), size)))
    return warp(cut, size, transform_size)


def shrink(cut: Cutout, size: int) -> Cutout:
    """Scale down by whole factors, so that the quad has two to four times the picture's pixels."""
    from PIL import Image

    factor = int(np.floor(cut.side / size * 0.5))
    if factor <= 1:
        return cut
    height, width = cut.pixels.shape[:2]
    smaller = (max(1, int(np.rint(width / factor))), max(1, int(np.rint(height / factor))))
    scaled = Image.fromarray(cut.pixels).resize(smaller, Image.Resampling.LANCZOS)
    return Cutout(np.array(scaled), cut.quad / factor)


def crop(cut: Cutout) -> Cutout:
    """Leave out what is far from the quad."""
    height, width = cut.pixels.shape[:2]
    left, top, right, bottom = _box(cut.quad)
    left, top = max(left - cut.border, 0), max(top - cut.border, 0)
    right, bottom = min(right + cut.border, width), min(bottom + cut.border, height)
    if (right - left >= width and bottom - top >= height) or right <= left or bottom <= top:
        return cut
    return Cutout(cut.pixels[top:bottom, left:right], cut.quad - [left, top])


def pad(cut: Cutout) -> Cutout:
    """Where the quad reaches beyond the photograph: mirror it, blurred, and fade to the median colour."""
    import cv2

    left, top, right, bottom = sides = padding(cut)
    if not any(sides):
        return cut
    image = np.pad(cut.pixels.astype(np.float32), ((top, bottom), (left, right), (0, 0)), "reflect")
    mask = _padding_mask(image.shape[:2], sides)[..., np.newaxis]
    sigma = cut.side * 0.02
    reach = 2 * int(4 * sigma + 0.5) + 1
    blurred = cv2.GaussianBlur(image, (reach, reach), sigma, borderType=cv2.BORDER_REFLECT)
    image += (blurred - image) * np.clip(mask * 3 + 1, 0, 1)
    image += (np.median(image, axis=(0, 1)) - image) * np.clip(mask, 0, 1)
    return Cutout(np.clip(np.rint(image), 0, 255).astype(np.uint8), cut.quad + np.array([left, top]))


def padding(cut: Cutout) -> tuple[int, int, int, int]:
    """Pixels to add left, top, right and below; zeros when the quad lies well inside."""
    height, width = cut.pixels.shape[:2]
    left, top, right, bottom = _box(cut.quad)
    border = cut.border
    missing = (-left + border, -top + border, right - width + border, bottom - height + border)
    needed = tuple(max(side, 0) for side in missing)
    if max(needed) <= border - 4:
        return 0, 0, 0, 0
    least = int(np.rint(cut.side * 0.3))
    return tuple(max(side, least) for side in needed)  # type: ignore[return-value]  # four of them


def warp(cut: Cutout, size: int, transform_size: int = TRANSFORM_SIZE) -> Pixels:
    """The quad as an upright square: bilinear at `transform_size`, then Lanczos. uint8 [size, size, 3]."""
    from PIL import Image

    large = (transform_size, transform_size)
    corners = tuple((cut.quad + 0.5).flatten())  # Pillow counts from the corner of the first pixel
    picture = Image.fromarray(np.ascontiguousarray(cut.pixels))
    picture = picture.transform(large, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    if size < transform_size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.array(picture)


def _box(quad: Quad) -> tuple[int, int, int, int]:
    left, top = np.floor(quad.min(axis=0)).astype(int)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _padding_mask(shape: tuple[int, int], sides: tuple[int, int, int, int]) -> Array:
    """1 at the outermost pixels of a padded picture, 0 at the photograph's edge, negative inside; float32 [H, W]."""
    (height, width), (left, top, right, bottom) = shape, sides
    y, x = np.ogrid[:height, :width]
    across = np.minimum(np.float32(x) / left, np.float32(width - 1 - x) / right)
    down = np.minimum(np.float32(y) / top, np.float32(height - 1 - y) / bottom)
    return np.asarray(np.maximum(1.0 - across, 1.0 - down), np.float32)
