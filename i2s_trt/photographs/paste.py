"""The way back: an edited picture into the photograph that it was cut from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from i2s_trt.arrays import Array, Pixels
from i2s_trt.photographs.quad import Quad, quad_side
from i2s_trt.photographs.warp import Cutout, align_quad, padding

Mask = Literal["face", "picture"]
_OVAL_CENTRE = (0.5, 0.58)  # of a face in FFHQ's square: eyes at 0.47, mouth at 0.73
_OVAL_RADII = (0.33, 0.40)
_MOST_GAIN = 1.5  # a colour match stretches contrast no further


@dataclass(frozen=True)
class PasteOptions:
    """How a picture is laid into a photograph.

    Attributes:
        mask: `face` takes the oval of an aligned face, `picture` all of the picture.
        feather: width of the soft border, as a share of the picture's side.
        match_colours: shift and stretch each channel so that the soft border agrees with the photograph.
        restore: 8-bit levels of change up to which the photograph's own detail, finer than the picture holds, is laid
            over it; so what was not edited comes back exactly, and what was edited keeps no traces. 0 never does.
    """

    mask: Mask = "face"
    feather: float = 0.12
    match_colours: bool = True
    restore: float = 8.0


def paste_back(
    photograph: Pixels,
    picture: Pixels,
    quad: Quad,
    options: PasteOptions | None = None,
    *,
    unedited: Pixels | None = None,
) -> Pixels:
    """Lay a picture over its quad of the photograph, with a soft border.

    Args:
        photograph: upright, uint8 [H, W, 3].
        picture: uint8 [h, w, 3], edited or not.
        quad: what the picture shows, float64 [4, 2]; see `photographs.quad`.
        options: mask, border, colours.
        unedited: uint8 [h, w, 3], how the photograph was cut; aligned again when left out.

    Returns:
        uint8 [H, W, 3]; every pixel outside the mask is the photograph's own.
    """
    options = options or PasteOptions()
    window = _window(quad, photograph.shape[:2])
    if window is None:
        return photograph.copy()
    rows, columns = window
    local = np.asarray(quad, np.float64) - [columns.start, rows.start]
    original = photograph[rows, columns].astype(np.float32)
    shape = original.shape[:2]
    mask = _mask(shape, local, options) * _faithful(photograph, quad, window)
    laid = unwarp(picture, local, shape)
    if options.restore:
        cut = _as_picture(photograph, quad, picture.shape[:2]) if unedited is None else unedited
        before = unwarp(cut, local, shape)
        laid += _keep_unchanged(laid - before, quad_side(quad), options.restore) * (original - before)
    if options.match_colours:
        laid = _match(laid, original, mask)
    blend = original + (laid - original) * mask[..., np.newaxis]
    pasted = photograph.copy()
    pasted[rows, columns] = np.where(mask[..., np.newaxis] > 0, np.clip(np.rint(blend), 0, 255), original)
    return pasted


def unwarp(picture: Pixels, quad: Quad, shape: tuple[int, int]) -> Pixels:
    """A picture uint8 [h, w, 3] as it lies in a photograph of `shape`, float32 [H, W, 3]; edges are repeated."""
    import cv2

    height, width = picture.shape[:2]
    sides = np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[1] - quad[0]))
    smaller = min(width, max(1, round(sides[0]))), min(height, max(1, round(sides[1])))
    if smaller != (width, height):  # the picture is finer than the photograph there
        from PIL import Image

        picture = np.array(Image.fromarray(picture).resize(smaller, Image.Resampling.LANCZOS))
    matrix = _affine(quad, picture.shape[:2])
    return cv2.warpAffine(
        picture.astype(np.float32), matrix, shape[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip


def _affine(quad: Quad, size: tuple[int, int]) -> Array:
    """Takes photograph pixel indices (x, y, 1) to the picture's pixel indices, float64 [2, 3]."""
    height, width = size
    across, down = (quad[3] - quad[0]) / width, (quad[1] - quad[0]) / height
    inverse = np.linalg.inv(np.stack([across, down], axis=1))
    return np.hstack([inverse, (-inverse @ quad[0] - 0.5)[:, np.newaxis]])


def _as_picture(photograph: Pixels, quad: Quad, size: tuple[int, int]) -> Pixels:
    """The photograph's own pixels as the picture shows them: aligned again."""
    height, width = size
    side = max(size)
    left, top = (side - width) // 2, (side - height) // 2
    across, down = (quad[3] - quad[0]) / width, (quad[1] - quad[0]) / height
    corner = quad[0] - left * across - top * down
    square = np.stack([corner, corner + side * down, corner + side * (across + down), corner + side * across])
    return align_quad(photograph, square, side)[top : top + height, left : left + width]


def _keep_unchanged(change: Array, side: float, levels: float) -> Array:
    """1 where a picture is hardly changed [H, W, 3] in its neighbourhood, 0 where it is; float32 [H, W, 1]."""
    import cv2

    strength = np.abs(change).max(axis=2)
    nearby = cv2.GaussianBlur(strength, (0, 0), max(1.0, side * 0.01))
    return np.asarray(np.exp(-((nearby / levels) ** 2)), np.float32)[..., np.newaxis]


def _window(quad: Quad, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of the photograph that a quad touches; None when it lies outside."""
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 1, shape[::-1])
    return (slice(low[1], high[1]), slice(low[0], high[0])) if (low < high).all() else None


def _mask(shape: tuple[int, int], quad: Quad, options: PasteOptions) -> Array:
    """Weight of the picture at each pixel of the photograph, float32 [H, W] in 0..1."""
    matrix = _affine(quad, (1, 1))
    y, x = np.mgrid[: shape[0], : shape[1]]
    u, v = (matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] + 0.5 for i in (0, 1))
    if options.mask == "face":
        across, down = (u - _OVAL_CENTRE[0]) / _OVAL_RADII[0], (v - _OVAL_CENTRE[1]) / _OVAL_RADII[1]
        depth = (1 - np.hypot(across, down)) * min(_OVAL_RADII)
    else:
        depth = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    return _smooth(depth / max(options.feather, 1e-6))


def _faithful(photograph: Pixels, quad: Quad, window: tuple[slice, slice]) -> Array:
    """Fades towards those edges of the photograph where the alignment has blurred it, float32 [H, W] of a window."""
    height, width = photograph.shape[:2]
    sides = padding(Cutout(photograph, quad))
    y, x = np.ogrid[window]
    weight = np.ones((1, 1), np.float32)
    for distance, added in zip((x, y, width - 1 - x, height - 1 - y), sides, strict=True):
        if added:
            weight = np.minimum(weight, _smooth(distance * 3 / added - 0.05))
    return weight


def _smooth(depth: Array) -> Array:
    """0 below 0, 1 above 1, and a smooth step between."""
    t = np.clip(depth, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _match(laid: Pixels, original: Pixels, mask: Array) -> Pixels:
    """Mean and contrast of each channel as the photograph has them in the soft border."""
    ring = mask * (1 - mask)
    if ring.sum() < 1:
        return laid
    weights = (ring / ring.sum())[..., np.newaxis]
    mean, wanted = ((picture * weights).sum(axis=(0, 1)) for picture in (laid, original))
    spread, target = (
        np.sqrt((((picture - centre) ** 2) * weights).sum(axis=(0, 1)))
        for picture, centre in ((laid, mean), (original, wanted))
    )
    gain = np.clip((target + 1) / (spread + 1), 1 / _MOST_GAIN, _MOST_GAIN)
    return np.asarray((laid - mean) * gain + wanted, np.float32)
