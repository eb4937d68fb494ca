"""Paintings by rule: brush strokes along a field, and flat shapes."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.paper.pictures.sketch import Colour, Sketch, mixed
from i2s_trt.arrays import Pixels

Field = Callable[[float, float], float]  # direction of a stroke at a place, in radians
Palette = Callable[[float, float], Colour]
_STROKES = 5200


def draw_painting(seed: int, size: int) -> Pixels:
    """One painting, uint8 [size, size, 3]; the same seed paints the same picture."""
    random = np.random.default_rng([seed, 2])
    return _MANNERS[seed % len(_MANNERS)](random).picture(size)


def _landscape(random: np.random.Generator) -> Sketch:
    """Fields under a bright sky in short level strokes."""

    def colour(x: float, y: float) -> Colour:
        horizon = 0.45 + 0.05 * np.sin(7 * x)
        if y < horizon:
            return mixed((0.35, 0.55, 0.85), (0.98, 0.86, 0.62), float(y / horizon))
        return mixed((0.80, 0.70, 0.20), (0.16, 0.40, 0.18), float(np.sin(9 * x + 12 * y) / 2 + 0.5))

    return _stroke(random, colour, lambda x, y: 0.25 * np.sin(6 * x + 4 * y), 0.05)


def _night(random: np.random.Generator) -> Sketch:
    """A night sky that turns about its stars."""
    stars = random.random((6, 2)) * (1.0, 0.65)

    def nearest(x: float, y: float) -> tuple[float, Any]:
        offsets = stars - (x, y)
        lengths = np.hypot(*offsets.T)
        return float(lengths.min()), offsets[lengths.argmin()]

    def colour(x: float, y: float) -> Colour:
        if y > 0.78 + 0.06 * np.sin(8 * x):
            return mixed((0.05, 0.10, 0.12), (0.16, 0.26, 0.20), float(random.random()))
        distance, _ = nearest(x, y)
        return mixed((0.99, 0.92, 0.50), (0.08, 0.16, 0.45), min(1.0, distance * 5.5))

    def direction(x: float, y: float) -> float:
        _, (dx, dy) = nearest(x, y)
        return float(np.arctan2(dx, -dy))

    return _stroke(random, colour, direction, 0.045)


def _portrait(random: np.random.Generator) -> Sketch:
    """A head in heavy strokes: a painting that shares the structure of a face."""

    def colour(x: float, y: float) -> Colour:
        head = np.hypot((x - 0.5) / 0.24, (y - 0.45) / 0.33)
        eyes = min(np.hypot((x - c) / 0.05, (y - 0.42) / 0.030) for c in (0.4, 0.6))
        if eyes < 1 or np.hypot((x - 0.5) / 0.10, (y - 0.63) / 0.022) < 1:
            return (0.22, 0.10, 0.12)
        if head < 1:
            return mixed((0.96, 0.78, 0.55), (0.70, 0.38, 0.28), float(np.clip(x * 1.6 - 0.3, 0, 1)))
        if y > 0.74 and abs(x - 0.5) < 0.42 * (y - 0.45) * 2:
            return (0.20, 0.30, 0.36)
        return mixed((0.30, 0.50, 0.42), (0.62, 0.64, 0.36), float(random.random()))

    return _stroke(random, colour, lambda x, y: float(np.arctan2(x - 0.5, 0.45 - y)), 0.03)


def _shapes(random: np.random.Generator) -> Sketch:
    """Circles and lines on a pale ground."""
    sketch = Sketch((0.95, 0.92, 0.84), (0.88, 0.85, 0.78))
    for _ in range(14):
        centre, radius = random.random(2), 0.03 + 0.12 * random.random()
        colour = tuple(0.1 + 0.8 * random.random(3))
        for share in (1.0, 0.7, 0.4):
            shade = mixed(colour, (1.0, 0.95, 0.85), 1 - share)
            sketch.ellipse(tuple(centre), (radius * share, radius * share), shade)
    for _ in range(9):
        sketch.line([tuple(random.random(2)), tuple(random.random(2))], 0.006, (0.10, 0.10, 0.12))
    return sketch


def _panels(random: np.random.Generator) -> Sketch:
    """Rectangles between black bars."""
    sketch = Sketch((0.93, 0.92, 0.88))
    colours: tuple[Colour, ...] = ((0.83, 0.12, 0.10), (0.10, 0.22, 0.60), (0.95, 0.80, 0.15), (0.93, 0.92, 0.88))
    xs = np.sort(np.concatenate([[0, 1], 0.1 + 0.8 * random.random(4)]))
    ys = np.sort(np.concatenate([[0, 1], 0.1 + 0.8 * random.random(4)]))
    for left, right in itertools.pairwise(xs):
        for top, bottom in itertools.pairwise(ys):
            colour = colours[int(random.choice(4, p=(0.2, 0.2, 0.2, 0.4)))]
            sketch.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)
    for x in xs[1:-1]:
        sketch.line([(x, 0), (x, 1)], 0.018, (0.05, 0.05, 0.05))
    for y in ys[1:-1]:
        sketch.line([(0, y), (1, y)], 0.018, (0.05, 0.05, 0.05))
    return sketch


_MANNERS = (_landscape, _night, _portrait, _shapes, _panels)


def _stroke(random: np.random.Generator, colour: Palette, direction: Field, length: float) -> Sketch:
    """Strokes all over, each in a colour near the picture's at its place."""
    sketch = Sketch(colour(0.5, 0.5))
    for x, y in random.random((_STROKES, 2)):
        angle = direction(x, y) + 0.2 * random.standard_normal()
        dx, dy = length * np.cos(angle) / 2, length * np.sin(angle) / 2
        shade = mixed(colour(x, y), tuple(random.random(3)), 0.12)
        sketch.line([(x - dx, y - dy), (x + dx, y + dy)], length / 4, shade)
    return sketch
