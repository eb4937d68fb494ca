"""Hair: behind the head, over the forehead, at the sides; moustache and beard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from i2s_trt.training.portraits.canvas import Array, bump, hill, scale, smoothstep
from i2s_trt.training.portraits.head import Outline
from i2s_trt.training.portraits.scene import MOUTH_Y, Scene

CAP_Y = -0.12


@dataclass(frozen=True)
class Style:
    """What the layers of one head of hair share: strands (about 1, darker or lighter) and waves [h, w], and sizes."""

    strands: Array
    waves: Array
    reach: float
    crown: float
    bottom: float


def hair_style(scene: Scene, outline: Outline) -> Style:
    """Works the factors out once for the layers below."""
    factors, x, y = scene.factors, scene.head_x, scene.head_y
    volume = 0.055 + 0.045 * factors.hair_volume + 0.065 * factors.curl
    volume *= (1.0 - 0.9 * factors.bald) * (1.0 - 0.65 * factors.hat)
    angle = np.arctan2(x, -(y + 0.15))
    # Every wave is a fixed function of position, so that a generator can learn it: nothing random.
    waves = factors.curl * (0.024 * np.cos(13.0 * angle) + 0.012 * np.cos(29.0 * angle))
    coarse = _coarseness(scene)
    waves = waves + 0.011 * coarse * coarse * (np.sin(11.0 * angle + 5.0 * y) + np.sin(25.0 * angle - 4.0 * y))
    waves = waves * (1.0 - factors.hat * smoothstep(-0.25, -0.45, y))
    return Style(
        strands=_strands(scene),
        waves=np.asarray(waves, np.float32),
        reach=outline.half_width + volume,
        crown=0.72 + volume - 0.10 * factors.bald,
        bottom=0.04 + 1.03 * factors.hair_length,
    )


def _coarseness(scene: Scene) -> float:
    """Factor `hair_texture` from 0, smooth, to 1, coarse."""
    return 0.5 + 0.5 * scene.factors.hair_texture


def _strands(scene: Scene) -> Array:
    """Dark and light streaks along parabolas that fall from the parting, the way combed hair does."""
    factors, y = scene.factors, scene.head_y
    x = scene.head_x - np.float32(0.16 * factors.hair_part)
    fall = x / np.sqrt(np.maximum(y + 1.02, 0.05))
    coarse = _coarseness(scene)
    fall = fall + factors.curl * 0.035 * np.sin(16.0 * y) + 0.05 * coarse * np.sin(7.0 * y + 4.0 * x)
    streaks = 0.5 * np.sin(21.0 * fall) + 0.40 * np.sin(37.0 * fall + 1.0) + 0.30 * np.sin(13.0 * fall + 2.0)
    streaks = streaks + (0.25 + 0.35 * coarse) * np.sin(59.0 * fall + 2.0 * np.sin(5.0 * y))
    return np.asarray(np.exp((0.10 + 0.26 * coarse) * streaks), np.float32)


def _silhouette(scene: Scene, style: Style) -> Array:
    """Signed distance to the whole hair's outer edge: a round cap that falls straight down from the ears."""
    x, y = np.abs(scene.head_x) / style.reach, np.minimum(scene.head_y - CAP_Y, 0.0) / style.crown
    widen = 1.0 + 0.16 * scene.factors.hair_length * smoothstep(-0.1, 0.8, scene.head_y)
    x, y = (x / widen) ** 2, y * y
    radius = np.sqrt(np.sqrt(x * x + y * y + 1.1 * widen * widen * x * y + 1e-9))  # rounder than an ellipse
    return np.asarray((radius - 1.0) * style.reach, np.float32)


def draw_back_hair(scene: Scene, style: Style) -> None:
    """The mass behind head and neck, down to the shoulders or beyond when long."""
    canvas, x, y = scene.canvas, scene.head_x, scene.head_y
    side = np.abs(x) / style.reach
    rounded = 0.14 * side * side * side
    shape = np.maximum(_silhouette(scene, style), y - style.bottom + rounded) + style.waves
    shade = 0.62 + 0.14 * scene.light.x * x - 0.20 * smoothstep(-0.2, 0.9, y) * bump(x, 0.5)
    shade = scene.exposed(shade) * style.strands
    canvas.paint(scale(scene.hair, shade), canvas.cover(shape, 0.012))


def draw_front_hair(scene: Scene, outline: Outline, style: Style) -> None:
    """Hairline, bangs and side locks over the face, with the shadow that they cast."""
    canvas, x, y = scene.canvas, scene.head_x, scene.head_y
    opening = np.minimum(y - _hairline(scene, outline), _side_locks(scene, outline, style))
    shape = np.maximum(_silhouette(scene, style) + style.waves, opening)
    shadow = canvas.cover(shape - 0.035, 0.035) * canvas.cover(outline.distance)
    canvas.shade(0.30 * shadow)
    across, up = x / style.reach, (y - CAP_Y) / style.crown
    depth = np.sqrt(np.maximum(1.0 - across * across - up * up, 0.05))
    light = scene.light
    shade = 0.52 + 0.50 * np.maximum(light.x * across + light.y * up + light.z * depth, 0.0)
    gloss = bump(y + 0.66 - 0.35 * x * x - 0.12 * light.x * x, 0.085) + 0.5 * bump(y + 0.1 - 0.3 * light.x * x, 0.2)
    shade = scene.exposed(shade) * style.strands
    red, green, blue = scale(scene.hair, shade)
    shine = 0.18 * gloss * style.strands**2 * (1.0 - 0.5 * scene.factors.curl)
    colour = (red + shine * (0.20 + scene.hair[0]), green + shine * (0.20 + scene.hair[1]),
              blue + shine * (0.21 + scene.hair[2]))  # fmt: skip
    canvas.paint(colour, canvas.cover(shape, 0.010))


def _hairline(scene: Scene, outline: Outline) -> Array:
    """How far down hair comes at each x: an arch open over the face; bangs end above the eyes."""
    factors, x = scene.factors, scene.head_x
    from_part = x - 0.20 * factors.hair_part
    sides = np.minimum((x / outline.half_width) ** 2, 1.2)
    bangs = factors.bangs * (0.25 - 0.04 * np.cos(9.0 * from_part)) * smoothstep(1.1, 0.5, sides)
    sweep = 0.07 * (1.0 - factors.bangs) * smoothstep(0.0, 0.35, np.abs(from_part))
    line = -0.56 - 0.60 * factors.bald + sweep + bangs + 0.42 * sides**2
    ragged = 0.015 * factors.curl * np.sin(24.0 * x) + 0.016 * _coarseness(scene) * np.sin(33.0 * x + 1.0)
    return np.asarray(line + ragged, np.float32)


def _side_locks(scene: Scene, outline: Outline, style: Style) -> Array:
    """Hair in front of the ears when long, sideburns when short."""
    factors, y = scene.factors, scene.head_y
    side = np.abs(scene.head_x)
    inner = outline.half_width - 0.025 - 0.06 * factors.hair_length + 0.12 * smoothstep(0.0, 0.9, y)
    bottom = -0.08 + factors.hair_length * (style.bottom + 0.06) + 0.15 * (side - outline.half_width)
    return np.asarray(np.maximum(inner - side, y - bottom) + 0.5 * style.waves, np.float32)


def draw_beard(scene: Scene, outline: Outline, light: Array) -> None:
    """A beard along the jaw, leaving mouth and cheeks free, and a moustache; or the shadow of both, unshaven."""
    factors, canvas = scene.factors, scene.canvas
    if factors.beard == 0.0 and factors.moustache == 0.0 and factors.stubble == 0.0:
        return
    x, y = scene.face_x, scene.face_y
    colour = scale(scene.hair, 0.30 + 0.55 * light)
    side = np.abs(x)
    jaw = smoothstep(0.16, 0.34, y + 3.84 * side * side * side - 0.06)
    mouth = 1.0 - np.exp(-np.square(np.square(x / 0.19)) - np.square(np.square((y - MOUTH_Y) / 0.085)))
    cheeks = 1.0 - 0.95 * np.minimum(hill(np.abs(x) - 0.20, y - 0.20, 0.16, 0.12) * 1.4, 1.0)
    skin = canvas.cover(outline.distance - 0.012, 0.010)
    hairs = 1.0 + 0.13 * np.sin(52.0 * x * (1.3 - 0.9 * y) + 2.0 * np.sin(8.0 * y))
    lip_hair = hill(x, y - MOUTH_Y + 0.10, 0.22, 0.045)
    grown = np.maximum(jaw * mouth * cheeks, lip_hair)
    canvas.paint(scale(scene.hair, 0.25 + 0.45 * light), 0.46 * factors.stubble * skin * grown)
    colour = scale(colour, hairs)
    canvas.paint(colour, 0.90 * factors.beard * skin * jaw * mouth * cheeks)
    curve = MOUTH_Y - 0.105 + 0.30 * x * x
    lip = np.maximum(np.abs(y - curve) - (0.036 - 0.12 * x * x), np.abs(x) - 0.24)
    canvas.paint(colour, 0.90 * factors.moustache * canvas.cover(lip, 0.02))
