"""The quadrilateral of a photograph that a model's picture shows.

A quad is float64 [4, 2]: the corners top left, bottom left, bottom right, top right of the picture, as (x, y) in pixel
indices of the upright photograph, where (0, 0) is the centre of the first pixel.
"""

import numpy as np

from i2s_trt.arrays import Points
from i2s_trt.errors import ImageError
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.fit import Fit

Quad = Points


def ffhq_quad(landmarks: Landmarks) -> Quad:
    """The oriented square of FFHQ's alignment (Karras, Laine, Aila 2019, appendix A).

    Raises:
        ImageError: the mouth lies where it says nothing about which way is up.
    """
    left_eye, right_eye, left_mouth, right_mouth = landmarks.points
    eye = (left_eye + right_eye) / 2
    eye_to_eye = right_eye - left_eye
    eye_to_mouth = (left_mouth + right_mouth) / 2 - eye
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    if np.hypot(*x) < 1e-3 * np.hypot(*eye_to_eye):
        raise ImageError("eyes and mouth do not make a face", "check the order of the landmarks")
    x *= max(2.0 * np.hypot(*eye_to_eye), 1.8 * np.hypot(*eye_to_mouth)) / np.hypot(*x)
    y = np.flipud(x) * [-1, 1]
    centre = eye + 0.1 * eye_to_mouth
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def fit_quad(photograph: tuple[int, int], picture: tuple[int, int], fit: Fit = "crop") -> Quad:
    """The upright rectangle that `fit_picture` takes: the middle of a photograph, or all of it and more.

    Args:
        photograph, picture: height and width.
        fit: `crop` stays inside the photograph, `pad` reaches beyond it.
    """
    scales = [photograph[0] / picture[0], photograph[1] / picture[1]]
    scale = min(scales) if fit == "crop" else max(scales)
    half = np.array([picture[1], picture[0]]) * scale / 2
    middle = np.array([photograph[1], photograph[0]]) / 2 - 0.5
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    return np.asarray(middle + half * corners)


def quad_part(quad: Quad, window: tuple[slice, slice], size: int) -> Quad:
    """The quad of a part of the picture: rows and columns `window` of `size`."""
    (top, bottom), (left, right) = ((part.start / size, part.stop / size) for part in window)
    return _stretch(quad, (top, bottom), (left, right))


def quad_around(part: Quad, window: tuple[slice, slice], size: int) -> Quad:
    """The quad of the whole picture, from that of its rows and columns `window` of `size`: undoes `quad_part`."""
    lengths = [side.stop - side.start for side in window]
    heights, widths = (
        (-side.start / length, (size - side.start) / length) for side, length in zip(window, lengths, strict=True)
    )
    return _stretch(part, heights, widths)


def _stretch(quad: Quad, heights: tuple[float, float], widths: tuple[float, float]) -> Quad:
    """A quad with its sides at these shares of the way from top to bottom and from left to right of another's."""
    top_left, bottom_left, bottom_right, top_right = quad

    def corner(down: float, right: float) -> Points:
        left = top_left + down * (bottom_left - top_left)
        return np.asarray(left + right * (top_right + down * (bottom_right - top_right) - left))

    (top, bottom), (left, right) = heights, widths
    return np.stack([corner(top, left), corner(bottom, left), corner(bottom, right), corner(top, right)])


def quad_side(quad: Quad) -> float:
    """Length of the upper side in pixels of the photograph."""
    return float(np.hypot(*(quad[3] - quad[0])))


def is_whole(quad: Quad, photograph: tuple[int, int], tolerance: float) -> bool:
    """Whether a quad is the whole photograph (height, width), but for a share of its longer side."""
    height, width = photograph
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]]) - 0.5
    return bool(np.abs(quad - corners).max() <= tolerance * max(height, width))
