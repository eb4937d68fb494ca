"""A float picture with coordinates, painted with soft-edged shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Value = Array | float
Colour = tuple[Value, Value, Value]


def smoothstep(low: float, high: float, x: Value) -> Any:
    """0 below `low`, 1 above `high`, a cubic between; `low` > `high` falls instead."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(x: Value, width: float) -> Any:
    """A Gaussian hill exp(-(x / width)^2)."""
    t = x / width
    return np.exp(-t * t)


def hill(x: Value, y: Value, rx: float, ry: float) -> Any:
    """A two-dimensional Gaussian hill."""
    return np.exp(-((x / rx) ** 2) - (y / ry) ** 2)


def blend(a: Colour, b: Colour, t: Value) -> Colour:
    """Blend from colour `a` (t = 0) to `b` (t = 1)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def scale(colour: Colour, factor: Value) -> Colour:
    """A colour made lighter or darker."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def ellipse(x: Value, y: Value, rx: Value, ry: Value) -> Any:
    """Signed distance to an axis-aligned ellipse, first order, negative inside."""
    u, v = x / rx, y / ry
    k = np.sqrt(u * u + v * v + 1e-9)
    slope = np.sqrt((u / rx) ** 2 + (v / ry) ** 2 + 1e-9)
    return k * (k - 1.0) / slope


@dataclass(frozen=True)
class Canvas:
    """Planes [3, h, w] in [0, 1], painted in place; `pixel` is a pixel's width in picture units (2 / size)."""

    planes: Array
    pixel: float

    def cover(self, distance: Value, soft: float = 0.0) -> Any:
        """How much of each pixel lies inside a shape of that signed distance, with a softened edge."""
        width = 0.75 * self.pixel + soft
        return smoothstep(width, -width, distance)

    def paint(self, colour: Colour, alpha: Value) -> None:
        """Lays a colour over the picture."""
        for plane, value in zip(self.planes, colour, strict=True):
            np.add(plane, (value - plane) * alpha, out=plane, casting="same_kind")

    def shade(self, amount: Value) -> None:
        """Darkens: multiplies by 1 - amount."""
        np.multiply(self.planes, 1.0 - amount, out=self.planes)

    def crop(self, rows: slice, columns: slice) -> Canvas:
        """A window that paints into the same picture."""
        return Canvas(self.planes[:, rows, columns], self.pixel)
