"""Photographs of a real face, moved and changed in ways of which the truth is known."""

from typing import Any

import cv2
import numpy as np

from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path

ASTRONAUT = decode(example_path("astronaut"))
WHOLE = np.array([[1.0, 0, 0], [0, 1, 0]])


def turned(degrees: float, scale: float = 0.7) -> tuple[Any, Any]:
    """The photograph turned about its middle, and where its pixel indices went [2, 3]."""
    matrix = cv2.getRotationMatrix2D((256.0, 256.0), degrees, scale)
    return cv2.warpAffine(ASTRONAUT, matrix, (512, 512), flags=cv2.INTER_AREA), matrix


def scaled(factor: float) -> tuple[Any, Any]:
    """The photograph in another size, and where its pixel indices went."""
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(ASTRONAUT, None, fx=factor, fy=factor, interpolation=method)
    exact = picture.shape[0] / 512
    shift = (exact - 1) / 2
    return picture, np.array([[exact, 0, shift], [0, exact, shift]])


def shifted(right: float, down: float) -> tuple[Any, Any]:
    """The photograph moved, and where its pixel indices went."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
    return cv2.warpAffine(ASTRONAUT, matrix, (512, 512)), matrix


def several() -> Any:
    """Three times the same face, 44, 31 and 20 pixels between the eyes, in a picture [560, 1400, 3]."""
    picture = np.full((560, 1400, 3), 120, np.uint8)
    picture[:512, :512] = ASTRONAUT
    for left, side in ((600, 358), (1100, 232)):
        picture[80 : 80 + side, left : left + side] = cv2.resize(ASTRONAUT, (side, side), interpolation=cv2.INTER_AREA)
    return picture


def moved(points: Any, matrix: Any) -> Any:
    """Points [N, 2] where a picture's pixels went."""
    return points @ matrix[:, :2].T + matrix[:, 2]
