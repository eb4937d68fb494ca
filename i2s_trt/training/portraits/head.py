"""The head itself: outline, ears, a height field for soft light, skin, nose and the lines of age."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from i2s_trt.training.factors import Factors
from i2s_trt.training.portraits.canvas import Array, bump, ellipse, hill, scale, smoothstep
from i2s_trt.training.portraits.scene import EYE_X, EYE_Y, MOUTH_Y, Scene

NOSE_Y = 0.16
CENTRE_Y = -0.08
# Waves across the skin whose crests meet at freckles: radians a unit across and down, and phase.
_FRECKLES = ((82.0, 13.0, 0.0), (49.0, 66.0, 1.0), (-17.0, 80.0, 2.0), (-66.0, 51.0, 3.0))


@dataclass(frozen=True)
class Outline:
    """Signed distance to the head's outline, and the outline's radius in units of itself (1 on the rim)."""

    distance: Array
    radius: Array
    half_width: float


def half_width(factors: Factors) -> float:
    """Half the head's width at the ears."""
    return 0.525 + 0.045 * factors.face_width


def head_outline(scene: Scene) -> Outline:
    """A round skull above and a jaw between pointed and square below, as one radius a direction."""
    factors = scene.factors
    x, y = scene.head_x, scene.head_y - np.float32(CENTRE_Y)
    width = half_width(factors)
    chin = 0.85 + 0.05 * factors.chin - CENTRE_Y
    power = 2.12 + 0.32 * factors.jaw
    angles = np.linspace(0.0, np.pi, 257)  # from straight up to straight down; both sides alike
    sine, cosine = np.sin(angles), -np.cos(angles)
    lower = ((sine / width) ** power + (np.maximum(cosine, 0.0) / chin) ** power + 1e-9) ** (-1.0 / power)
    upper = ((sine / width) ** 2.3 + (np.maximum(-cosine, 0.0) / 0.72) ** 2.3 + 1e-9) ** (-1.0 / 2.3)
    radii = np.where(cosine > 0.0, lower, upper)
    length = np.sqrt(x * x + y * y + 1e-9)
    rim = np.interp(np.arctan2(np.abs(x), -y), angles, radii).astype(np.float32)
    return Outline(length - rim, length / rim, width)


def draw_ears(scene: Scene) -> None:
    """Two ears; the one turned away hides behind the head."""
    factors, canvas = scene.factors, scene.canvas
    width = half_width(factors)
    for side in (-1, 1):
        seen = 1.0 - 0.75 * float(smoothstep(0.2, 0.9, side * factors.yaw))
        x, y = scene.head_x - side * (width - 0.005), scene.head_y - 0.05
        shade = float(scene.exposed(0.80 + 0.22 * side * scene.light.x))
        canvas.paint(scale(scene.skin, shade), canvas.cover(ellipse(x, y, 0.075 * seen, 0.135)))
        canvas.paint(scale(scene.skin, 0.68 * shade),
                     0.7 * canvas.cover(ellipse(x - side * 0.008, y, 0.035 * seen, 0.08), 0.02))  # fmt: skip


def draw_skin(scene: Scene, outline: Outline) -> Array:
    """Lights the face and paints it; returns the light [h, w], for what lies on the skin."""
    normal_x, normal_y, normal_z = _normals(_relief(scene, outline), scene.canvas.pixel)
    light = scene.light
    lambert = np.maximum(normal_x * light.x + normal_y * light.y + normal_z * light.z + 0.25, 0.0) / 1.25
    half_z = light.z + 1.0
    length = math.sqrt(light.x**2 + light.y**2 + half_z**2)
    gloss = (normal_x * light.x + normal_y * light.y + normal_z * half_z) / length
    gloss = np.maximum(gloss, 0.0) ** 16
    rim = smoothstep(0.96, 1.0, outline.radius)  # there the relief has no slope of its own, so it would shine
    shade = scene.exposed(0.33 + 0.74 * lambert) * (1.0 - 0.20 * rim)
    red, green, blue = scene.skin
    cheeks = sum(hill(scene.face_x - side * 0.31, scene.face_y - 0.17, 0.14, 0.10) for side in (-1, 1))
    blush = 0.07 * cheeks + 0.05 * hill(scene.face_x, scene.face_y - NOSE_Y, 0.10, 0.06)
    # Light that has travelled through skin comes out red, so shadows keep more red than blue.
    shine = (0.10 + 0.04 * scene.factors.light_strength) * gloss
    colour = (
        red * shade**0.92 + shine,
        (green - blush) * shade + shine,
        (blue - 0.8 * blush) * shade**1.06 + shine,
    )
    scene.canvas.paint(colour, scene.canvas.cover(outline.distance, 0.003))
    return np.asarray(shade, np.float32)


def _relief(scene: Scene, outline: Outline) -> Array:
    """Height above the picture plane: skull, eye sockets, cheeks, nose, mouth and chin."""
    factors, x, y = scene.factors, scene.face_x, scene.face_y
    k = np.minimum(outline.radius, 0.995)
    height = 0.50 * np.sqrt(1.0 - k * k)
    smile = max(factors.smile, 0.0)
    mirrored = np.abs(x)
    height -= 0.050 * hill(mirrored - EYE_X, y - EYE_Y + 0.01, 0.15, 0.09)
    height += 0.020 * hill(mirrored - 0.20, y + 0.21, 0.16, 0.06)
    height += (0.030 + 0.020 * smile) * hill(mirrored - 0.29, y - 0.17 + 0.03 * smile, 0.13, 0.11)
    height += 0.030 * hill(x, y - 0.66, 0.14, 0.09) + 0.028 * hill(x, y - MOUTH_Y, 0.20, 0.13)
    return np.asarray(height + _nose_relief(scene), np.float32)


def _nose_relief(scene: Scene) -> Array:
    factors = scene.factors
    x, y = nose_axes(scene)
    width = 0.085 + 0.018 * factors.nose_width
    along = np.clip((y + 0.28) / 0.28, 0.0, 1.0)  # 0 between the eyes, 1 at the tip
    spread = 0.040 + 0.62 * width * along * along
    bridge = (0.028 + 0.085 * along) * np.exp(-((x / spread) ** 2))
    bridge *= smoothstep(-0.34, -0.18, y) * smoothstep(0.085, -0.02, y)
    wings = 0.030 * hill(np.abs(x) - 0.85 * width, y - 0.01, 0.036, 0.042)
    return np.asarray(bridge + wings, np.float32)


def nose_axes(scene: Scene) -> tuple[Array, Array]:
    """Coordinates about the tip of the nose, which stands out and so moves most as the head turns."""
    factors = scene.factors
    lean = 0.105 * factors.yaw * smoothstep(-0.15, 0.15, scene.face_y)
    tip = NOSE_Y + 0.030 * factors.nose_length - 0.015 * factors.pitch
    return np.asarray(scene.face_x - lean, np.float32), np.asarray(scene.face_y - tip, np.float32)


def _normals(height: Array, pixel: float) -> tuple[Array, Array, Array]:
    slope_x, slope_y = np.zeros_like(height), np.zeros_like(height)
    slope_x[:, 1:-1] = (height[:, 2:] - height[:, :-2]) / (2.0 * pixel)
    slope_y[1:-1] = (height[2:] - height[:-2]) / (2.0 * pixel)
    z = 1.0 / np.sqrt(slope_x**2 + slope_y**2 + 1.0)
    return -slope_x * z, -slope_y * z, z


def draw_nose(scene: Scene) -> None:
    """Nostrils and the shadow below the tip; the rest of the nose is relief."""
    window = scene.crop(*scene.window(-0.35, 0.35, -0.05, 0.4))
    factors, canvas = window.factors, window.canvas
    x, y = nose_axes(window)
    width = 0.085 + 0.018 * factors.nose_width
    drop = 0.010 * factors.pitch
    canvas.shade(0.14 * hill(x, y - 0.075, 1.2 * width, 0.028))
    nostrils = ellipse(np.abs(x) - 0.45 * width, y - 0.040 + drop, 0.026, 0.012)
    canvas.shade(0.45 * canvas.cover(nostrils, 0.012))
    canvas.shade(0.14 * bump(np.abs(x) - 1.02 * width, 0.014) * bump(y - 0.005, 0.035))
    for side in (-1, 1):  # the nose's own shadow, away from the light; on a turned head, towards the far cheek
        away = max(-side * window.light.x, 0.0) + 0.3 * max(side * factors.yaw, 0.0)
        cast = hill(x - side * (0.95 * width + 0.02), y + 0.035, 0.055, 0.085) * smoothstep(0.0, 0.06, side * x)
        canvas.shade(0.30 * away * cast)


def draw_skin_texture(scene: Scene, outline: Outline) -> None:
    """Freckles, pores and uneven colour, fixed on the face, and darker eye sockets and folds about nose and lip."""
    rows, columns = scene.window(-0.66, 0.66, -0.75, 0.95)
    window = scene.crop(rows, columns)
    canvas, x, y, side = window.canvas, window.face_x, window.face_y, np.abs(window.face_x)
    amount = 0.5 + 0.5 * scene.factors.skin_texture
    skin = amount * canvas.cover(outline.distance[rows, columns] + 0.02, 0.02)
    # Waves of one length in four directions: where all crests meet lies a spot, and no two neighbours are alike.
    waves = sum(np.sin(along * x + down * y + phase) for along, down, phase in _FRECKLES)
    freckled = hill(side - 0.24, y - 0.14, 0.20, 0.15) + 0.6 * hill(x, y - 0.05, 0.12, 0.16) + 0.15
    spots = smoothstep(0.9, 2.7, waves) * np.minimum(freckled, 1.0) * skin * amount
    uneven = np.sin(9.0 * x + 2.0 * np.sin(5.0 * y)) * np.sin(8.0 * y + 1.0 + 2.0 * np.sin(6.0 * x))
    uneven = 0.05 * uneven + 0.008 * waves
    sockets = hill(side - 0.17, y - EYE_Y + 0.075, 0.11, 0.065) + 0.8 * hill(
        side - EYE_X, y - EYE_Y - 0.12, 0.13, 0.035
    )
    folds = 0.9 * hill(x, y - MOUTH_Y - 0.155, 0.13, 0.030) + 0.7 * hill(x, y - MOUTH_Y + 0.115, 0.022, 0.035)
    hollows = 0.8 * hill(side - 0.34, y - 0.36, 0.08, 0.16)
    deep = (0.26 * (sockets + folds) + 0.14 * hollows + uneven) * skin
    for plane, much in zip(canvas.planes, (0.85, 1.0, 1.05), strict=True):  # marks and shadows on skin are reddish
        np.multiply(plane, 1.0 - much * (deep + 0.24 * spots), out=plane, casting="same_kind")


def draw_age(scene: Scene) -> None:
    """Folds from nose to mouth (a smile deepens them) and below it, lines on the brow, bags and crow's feet."""
    window = scene.crop(*scene.window(-0.6, 0.6, -0.65, 0.75))
    factors, canvas, x, y = window.factors, window.canvas, window.face_x, window.face_y
    smile, side, age = max(factors.smile, 0.0), np.abs(x), factors.age
    along = np.clip((y - NOSE_Y) / 0.25, 0.0, 1.0)
    from_fold = side - 0.132 - 0.16 * along + 0.045 * along * along - 0.03 * smile
    fold = bump(from_fold, 0.020) + 0.45 * bump(from_fold + 0.03, 0.035)  # the line, and the shade beside it
    fold = fold * smoothstep(0.12, 0.22, y) * smoothstep(MOUTH_Y + 0.04, MOUTH_Y - 0.05, y)
    canvas.shade((0.33 * age + 0.22 * smile) * fold)
    if age == 0.0:
        return
    forehead = sum(bump(y + 0.355 + 0.050 * line - 0.25 * x * x - 0.010 * np.sin(9.0 * x + line), 0.012)
                   for line in range(4)) * smoothstep(0.37, 0.18, side)  # fmt: skip
    frown = bump(side - 0.035, 0.012) * bump(y + 0.22, 0.055)
    under = y - EYE_Y + 1.6 * (side - EYE_X) ** 2
    bags = (bump(under - 0.105, 0.016) + 0.7 * bump(under - 0.150, 0.014)) * smoothstep(
        0.15, 0.06, np.abs(side - EYE_X)
    )
    feet = bump(np.sin(30.0 * (y - EYE_Y) / (0.4 + side)), 0.5) * smoothstep(0.37, 0.41, side)
    feet = feet * smoothstep(0.52, 0.43, side) * bump(y - EYE_Y, 0.09)
    below = bump(side - 0.235 - 0.5 * (y - 0.55) ** 2, 0.019) * smoothstep(0.43, 0.48, y) * smoothstep(0.66, 0.54, y)
    cheek = bump(side - 0.33 - 0.10 * along, 0.022) * smoothstep(0.12, 0.22, y) * smoothstep(0.48, 0.34, y)
    lines = 0.34 * forehead + 0.26 * frown + 0.34 * bags + 0.28 * feet + 0.20 * below + 0.10 * cheek
    canvas.shade(age * np.minimum(lines, 0.6))
