"""Background, neck and clothes of a portrait."""

from __future__ import annotations

import numpy as np

from i2s_trt.training.factors import Factors
from i2s_trt.training.portraits.canvas import Array, Colour, Value, blend, bump, ellipse, hill, scale, smoothstep
from i2s_trt.training.portraits.scene import Scene


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
    _draw_clutter(scene, base)


# Where what is out of focus lies: centre, half width and height, and light (1) or dark (-1), warm (1) or cool (-1).
_BLOBS = (
    (-0.80, -0.72, 0.20, 0.20, 1.0, 1.0),
    (0.86, -0.36, 0.16, 0.16, 1.0, 0.2),
    (0.52, -0.92, 0.14, 0.14, 1.0, -0.8),
    (-0.93, 0.08, 0.13, 0.13, 0.9, -0.5),
    (0.80, 0.34, 0.19, 0.19, 0.7, 1.0),
    (-0.42, -0.98, 0.12, 0.12, 0.8, 0.5),
)
_BOXES = (
    (-0.92, -0.30, 0.17, 0.42, -1.0, 0.5),
    (0.88, -0.80, 0.20, 0.30, -1.0, -0.6),
    (0.95, 0.48, 0.22, 0.34, -0.8, 0.3),
    (-0.74, 0.50, 0.16, 0.30, -0.7, -1.0),
)


def _draw_clutter(scene: Scene, base: Colour) -> None:
    """Dark boxes, like shelves and door frames, and discs of light, all out of focus and always in one place."""
    amount = scene.factors.backdrop_clutter
    if amount == 0.0:
        return
    for boxed, things in ((True, _BOXES), (False, _BLOBS)):
        for centre_x, centre_y, width, height, light, warmth in things:
            part = scene.crop(*scene.window(centre_x - 0.4, centre_x + 0.4, centre_y - 0.6, centre_y + 0.6))
            x, y = np.abs(part.picture_x - centre_x), np.abs(part.picture_y - centre_y)
            if boxed:
                distance = np.maximum(x - width, y - height)
                colour = scale(base, 0.45)
            else:
                distance = np.sqrt(x * x + y * y + 1e-6) - width
                colour = blend(base, (1.0, 0.97, 0.90), 0.55 * light + 0.15)
            red, green, blue = colour
            tinted = (red * (1.0 + 0.16 * warmth), green, blue * (1.0 - 0.16 * warmth))
            part.canvas.paint(tinted, (0.80 if boxed else 0.62) * amount * part.canvas.cover(distance, 0.065))


def draw_neck(scene: Scene) -> None:
    """The neck, in the head's shadow below the chin."""
    factors, canvas, x, y = scene.factors, scene.canvas, scene.head_x, scene.picture_y
    width = 0.27 + 0.03 * factors.face_width
    flare = width + 0.10 * smoothstep(0.78, 1.05, y)
    across = np.clip(x / flare, -1.0, 1.0)
    shadow = smoothstep(0.62, 1.05, y + 0.10 * factors.light_side * across)
    shade = (0.52 + 0.40 * shadow) * (1.0 - 0.28 * across * across + 0.16 * factors.light_side * across)
    red, green, blue = scale(scene.skin, scene.exposed(shade))
    warm: Colour = (red, green * (0.90 + 0.10 * shadow), blue * (0.86 + 0.14 * shadow))
    canvas.paint(warm, canvas.cover(np.maximum(np.abs(x) - flare, 0.3 - y), 0.008))


def draw_clothes(scene: Scene) -> None:
    """A round-necked top with shaded shoulders and a collar's rim; or a jacket over a shirt."""
    factors, canvas, y = scene.factors, scene.canvas, scene.picture_y
    x = scene.head_x * 0.6 + scene.picture_x * 0.4
    body = np.minimum(ellipse(x, y - 1.42, 1.02, 0.58), np.maximum(np.abs(x) - 1.02, 1.42 - y))
    neckline = ellipse(x, y - 0.82, 0.27, 0.20)
    shape = np.maximum(body, -neckline)
    cloth = cloth_colour(factors)
    folds = 0.14 * bump(np.abs(x) - 0.52 + 0.35 * (y - 0.9), 0.05)
    shade = 1.02 - 0.30 * np.abs(x) ** 2 + 0.20 * factors.light_side * x - folds
    shade = scene.exposed(shade)
    canvas.paint(scale(cloth, shade), canvas.cover(shape, 0.006))
    rim = canvas.cover(np.abs(neckline - 0.02) - 0.018) * canvas.cover(shape)
    canvas.paint(scale(cloth, 0.72 * shade), (1.0 - factors.collar) * rim)
    _draw_collar(scene, body)


def _draw_collar(scene: Scene, body: Array) -> None:
    """A light shirt in the V of a jacket, with two collar points and darker lapels."""
    worn = scene.factors.collar
    if worn == 0.0:
        return
    rows, columns = scene.window(-0.8, 0.8, 0.6, 1.0)
    window = scene.crop(rows, columns)
    canvas, y = window.canvas, window.picture_y
    side = np.abs(window.head_x * 0.6 + window.picture_x * 0.4)
    cloth = cloth_colour(scene.factors)
    shade = window.exposed(1.0 - 0.6 * side**2 + 0.2 * scene.factors.light_side * window.head_x)
    down = y - 0.80
    lapel = np.maximum(side - 0.47 + 0.70 * down, body[rows, columns])
    throat = np.maximum(side - 0.24 + 1.25 * down, 0.70 - y)
    canvas.paint(scale(cloth, 0.70 * shade), worn * canvas.cover(np.maximum(lapel, -throat), 0.006))
    opening = np.maximum(np.maximum(side - 0.33 + 0.95 * down, 0.79 - y), -throat)
    shirt = blend(cloth, (0.96, 0.95, 0.95), 0.72)
    canvas.paint(scale(shirt, 0.80 * shade), worn * canvas.cover(opening, 0.006))
    inner, outer = 0.225 - 1.05 * down - side, side - 0.325 + 0.42 * down
    leaf = np.maximum(np.maximum(inner, outer), np.maximum(0.775 + 0.25 * (side - 0.2) - y, y - 0.84 - 0.6 * side))
    canvas.shade(0.28 * worn * canvas.cover(leaf - 0.018, 0.02) * canvas.cover(opening, 0.01))
    canvas.paint(scale(shirt, 1.03 * shade), worn * canvas.cover(leaf, 0.006))


def cloth_colour(factors: Factors) -> tuple[Value, Value, Value]:
    """The colour of the clothes, a hat included."""
    return _opponent(0.50 + 0.27 * factors.clothes_light, factors.clothes_hue, -0.5 * factors.clothes_hue)


def _opponent(light: float, blue_yellow: float, green_magenta: float) -> tuple[Value, Value, Value]:
    """A colour from its lightness and two opponent axes in [-1, 1], always inside [0, 1]."""
    chroma = 0.22 * min(light, 1.15 - light) / 0.5
    red = light - chroma * blue_yellow - 0.5 * chroma * green_magenta
    green = light + 0.7 * chroma * green_magenta
    blue = light + chroma * blue_yellow - 0.5 * chroma * green_magenta
    return (red, green, blue)
