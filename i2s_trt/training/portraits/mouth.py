"""The mouth: two lips, and teeth and tongue where it opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from i2s_trt.training.portraits.canvas import Array, Colour, blend, ellipse, hill, scale, smoothstep
from i2s_trt.training.portraits.scene import MOUTH_Y, Scene


@dataclass(frozen=True)
class Lips:
    """The four curves [h, w] that bound the lips, top to bottom, and the position across the mouth (+-1)."""

    across: Array
    top: Array
    upper_rim: Array
    lower_rim: Array
    bottom: Array
    half_width: float


def draw_mouth(scene: Scene, light: Array) -> None:
    """Draws the mouth lit by the skin's light [h, w] of the whole picture."""
    rows, columns = scene.window(-0.5, 0.5, 0.1, 0.8)
    window = scene.crop(rows, columns)
    lips = _lips(window)
    canvas, y = window.canvas, window.face_y
    _draw_lips(window, lips, light[rows, columns])
    _draw_inside(window, lips)
    below = hill(lips.across * lips.half_width, y - lips.bottom - 0.030, 0.75 * lips.half_width, 0.022)
    canvas.shade(0.15 * below)
    corner_y = MOUTH_Y - 0.65 * _curvature(window)
    for side in (-1, 1):
        x = (lips.across - side) * lips.half_width
        canvas.shade(0.32 * hill(x, y - corner_y, 0.020, 0.018))


def _curvature(scene: Scene) -> float:
    smile = scene.factors.smile
    return 0.125 * (smile if smile > 0.0 else 0.36 * smile)


def _lips(scene: Scene) -> Lips:
    factors = scene.factors
    smile = max(factors.smile, 0.0)
    width = (0.215 + 0.020 * factors.mouth_width) * (1.0 + 0.20 * smile)
    across = (scene.face_x - 0.011 * factors.yaw) / width
    square = np.minimum(across * across, 1.4)
    arch = np.maximum(1.0 - square, 0.0)
    middle = MOUTH_Y + _curvature(scene) * (0.35 - square)
    gap = (0.004 + 0.105 * factors.mouth_open) * arch**0.8
    thick = (0.044 + 0.014 * factors.lip_fullness) * np.sqrt(arch)
    bow = 1.0 - 0.32 * np.exp(-((across / 0.17) ** 2))
    upper_rim, lower_rim = middle - 0.55 * gap, middle + 1.1 * gap
    return Lips(across, upper_rim - thick * bow, upper_rim, lower_rim, lower_rim + 1.25 * thick, width)


def _draw_lips(scene: Scene, lips: Lips, light: Array) -> None:
    canvas, y = scene.canvas, scene.face_y
    red, green, blue = scene.skin
    depth = 0.58 + 0.30 * scene.factors.lip_colour
    colour: Colour = (
        red * (1.0 - 0.10 * depth) + 0.02,
        green * (1.0 - 0.52 * depth),
        blue * (1.0 - 0.42 * depth),
    )
    shade = light * (0.86 + 0.26 * smoothstep(-0.02, 0.03, y - lips.lower_rim))
    gleam = 0.16 * hill(lips.across - 0.1, y - 0.5 * (lips.lower_rim + lips.bottom), 0.4, 0.016)
    lit = scale(colour, shade)
    shape = np.maximum(lips.top - y, y - lips.bottom)
    ends = smoothstep(1.06, 0.96, np.abs(lips.across))
    canvas.paint((lit[0] + gleam, lit[1] + gleam, lit[2] + gleam), canvas.cover(shape) * ends)


def _draw_inside(scene: Scene, lips: Lips) -> None:
    """A dark cavity; with the mouth more and more open, upper teeth, the tongue and lower teeth in it."""
    factors, canvas, y = scene.factors, scene.canvas, scene.face_y
    square = np.minimum(lips.across**2, 1.2)
    ends = smoothstep(1.05, 0.95, np.abs(lips.across))
    inside = canvas.cover(np.maximum(lips.upper_rim - y, y - lips.lower_rim)) * ends
    canvas.paint((0.13, 0.04, 0.045), 0.97 * inside)
    opened = factors.mouth_open
    rim = lips.lower_rim - 0.022 - y
    tongue = canvas.cover(ellipse(lips.across * lips.half_width, rim, 0.58 * lips.half_width, 0.050), 0.014)
    groove = 1.0 - 0.22 * np.exp(-((lips.across / 0.09) ** 2))
    canvas.paint(scale((0.74, 0.33, 0.33), groove), 0.85 * inside * tongue * float(smoothstep(0.35, 0.8, opened)))
    gaps = np.exp(-((np.sin(10.5 * lips.across * (1.0 + 0.15 * square)) / 0.28) ** 2))
    white = blend((0.96, 0.94, 0.90), (0.62, 0.55, 0.52), square)
    lower = inside * canvas.cover(lips.lower_rim - 0.032 - y, 0.006) * smoothstep(0.60, 0.24, square)
    canvas.paint(scale(white, 0.86 - 0.22 * gaps), 0.9 * lower * float(smoothstep(0.45, 0.85, opened)))
    length = 0.052 - 0.012 * square - 0.006 * gaps
    teeth = inside * canvas.cover(y - lips.upper_rim - length, 0.005) * float(smoothstep(0.08, 0.35, opened))
    teeth = teeth * smoothstep(0.97, 0.72, np.abs(lips.across))
    shaded = (1.0 - 0.16 * gaps) * (1.0 - 0.30 * smoothstep(0.020, 0.0, y - lips.upper_rim))
    canvas.paint(scale(white, shaded), teeth)
