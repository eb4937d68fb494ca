"""Background, neck and clothes of a portrait."""

from __future__ import annotations

import numpy as np

from i2s_trt.training.canvas import Colour, Value, bump, ellipse, hill, scale, smoothstep
from i2s_trt.training.scene import Scene


def draw_background(scene: Scene) -> None:
    """Two shades from top to bottom, an optional glow behind the head and optional broad stripes."""
    factors, canvas = scene.factors, scene.canvas
    x, y = scene.picture_x, scene.picture_y
    base = _opponent(0.55 + 0.30 * factors.backdrop_light, factors.backdrop_hue, factors.backdrop_green)
    fall = 1.08 - 0.16 * (y + 1.0) - 0.12 * factors.light_side * -x
    stripes = smoothstep(-0.25, 0.25, np.sin(7.0 * (x + 0.6 * y)))
    fall = fall * (1.0 - 0.16 * factors.backdrop_stripes * (1.0 - stripes))
    fall = fall + (0.42 * hill(x, y + 0.15, 0.75, 0.75) - 0.12) * factors.backdrop_glow
    canvas.paint(scale(base, fall), 1.0)


def draw_neck(scene: Scene) -> None:
    """The neck, in the head's shadow below the chin."""
    factors, canvas, x, y = scene.factors, scene.canvas, scene.head_x, scene.picture_y
    width = 0.27 + 0.03 * factors.face_width
    flare = width + 0.10 * smoothstep(0.78, 1.05, y)
    across = np.clip(x / flare, -1.0, 1.0)
    shadow = smoothstep(0.62, 1.05, y + 0.10 * factors.light_side * across)
    shade = (0.52 + 0.40 * shadow) * (1.0 - 0.28 * across * across + 0.16 * factors.light_side * across)
    red, green, blue = scale(scene.skin, shade)
    warm: Colour = (red, green * (0.90 + 0.10 * shadow), blue * (0.86 + 0.14 * shadow))
    canvas.paint(warm, canvas.cover(np.maximum(np.abs(x) - flare, 0.3 - y), 0.008))


def draw_clothes(scene: Scene) -> None:
    """A round-necked top with shaded shoulders and a collar's rim."""
    factors, canvas, y = scene.factors, scene.canvas, scene.picture_y
    x = scene.head_x * 0.6 + scene.picture_x * 0.4
    body = np.minimum(ellipse(x, y - 1.42, 1.02, 0.58), np.maximum(np.abs(x) - 1.02, 1.42 - y))
    neckline = ellipse(x, y - 0.82, 0.27, 0.20)
    shape = np.maximum(body, -neckline)
    cloth = _opponent(0.50 + 0.27 * factors.clothes_light, factors.clothes_hue, -0.5 * factors.clothes_hue)
    folds = 0.06 * bump(np.abs(x) - 0.52 + 0.35 * (y - 0.9), 0.05)
    shade = 1.02 - 0.30 * np.abs(x) ** 2 + 0.20 * factors.light_side * x - folds
    canvas.paint(scale(cloth, shade), canvas.cover(shape, 0.006))
    rim = canvas.cover(np.abs(neckline - 0.02) - 0.018) * canvas.cover(shape)
    canvas.paint(scale(cloth, 0.72 * shade), rim)


def _opponent(light: float, blue_yellow: float, green_magenta: float) -> tuple[Value, Value, Value]:
    """A colour from its lightness and two opponent axes in [-1, 1], always inside [0, 1]."""
    chroma = 0.22 * min(light, 1.15 - light) / 0.5
    red = light - chroma * blue_yellow - 0.5 * chroma * green_magenta
    green = light + 0.7 * chroma * green_magenta
    blue = light + chroma * blue_yellow - 0.5 * chroma * green_magenta
    return (red, green, blue)
