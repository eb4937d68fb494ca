"""A drawing surface for pictures that are made by rule: relative coordinates, edges smoothed by supersampling."""

from collections.abc import Sequence

import cv2
import numpy as np

from i2s_trt.arrays import Array, Pixels

Colour = tuple[float, float, float]
Point = tuple[float, float]
_FINE = 1024  # side of the surface that is drawn on
_SHIFT = 4  # cv2's fixed-point bits for positions between pixels


class Sketch:
    """Draws with coordinates from 0 to 1 (x to the right, y downwards) and colours from 0 to 1."""

    def __init__(self, top: Colour, bottom: Colour | None = None) -> None:
        ramp = np.linspace(0, 1, _FINE)[:, None]
        rows = np.array(top) * (1 - ramp) + np.array(bottom or top) * ramp
        self._plane = np.repeat(rows[:, None], _FINE, axis=1).astype(np.float32)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self._plane, [_to_fixed_point(points)], colour, cv2.LINE_AA, _SHIFT)

    def ellipse(self, centre: Point, radii: Point, colour: Colour, turn: float = 0.0) -> None:
        """A filled ellipse, turned by degrees."""
        axes = tuple(int(radius * _FINE * 2**_SHIFT) for radius in radii)
        at = tuple(_to_fixed_point([centre])[0].tolist())
        cv2.ellipse(self._plane, at, axes, turn, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """An open line with round ends."""
        thickness = max(1, round(width * _FINE))
        cv2.polylines(self._plane, [_to_fixed_point(points)], False, colour, thickness, cv2.LINE_AA, _SHIFT)

    def shade(self, factors: Array) -> None:
        """Multiply by factors [n, n] that are spread over the whole picture."""
        size = (_FINE, _FINE)
        self._plane *= cv2.resize(factors.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)[..., None]

    def picture(self, size: int) -> Pixels:
        """uint8 [size, size, 3]."""
        filtering = cv2.INTER_AREA if size <= _FINE else cv2.INTER_CUBIC
        scaled = cv2.resize(self._plane, (size, size), interpolation=filtering)
        return np.asarray(np.rint(np.clip(scaled, 0, 1) * 255), np.uint8)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A mix of the first colour (0) and the second (1)."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _to_fixed_point(points: Sequence[Point]) -> Array:
    return np.asarray(np.rint(np.array(points) * _FINE * 2**_SHIFT), np.int32)
