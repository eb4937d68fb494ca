"""Eyes, lids and brows."""

from __future__ import annotations

import numpy as np

from i2s_trt.training.portraits.canvas import Array, Colour, blend, bump, ellipse, hill, scale, smoothstep
from i2s_trt.training.portraits.scene import EYE_X, EYE_Y, Scene


def draw_eyes(scene: Scene) -> None:
    """Both eyes in their sockets, with their brows."""
    for side in (-1, 1):
        window = scene.window(side * EYE_X - 0.25, side * EYE_X + 0.25, -0.45, 0.2)
        _draw_eye(scene.crop(*window), side)


def _draw_eye(scene: Scene, side: int) -> None:
    factors, canvas = scene.factors, scene.canvas
    x = scene.face_x - side * EYE_X
    y = scene.face_y - EYE_Y + side * 0.06 * x  # outer corners a little higher
    width = 0.132 + 0.012 * factors.eye_size
    squint = 1.0 - 0.20 * max(factors.smile, 0.0)
    height = (0.074 + 0.008 * factors.eye_size) * (0.76 + 0.38 * factors.eye_open) * squint
    across = x / width
    arch = np.sqrt(np.maximum(1.0 - np.minimum(across * across, 1.0), 0.0)) ** 1.5
    upper, lower = -height * arch - 0.004, 0.72 * height * arch
    inside = smoothstep(1.04, 0.94, np.abs(across))
    opening = canvas.cover(np.maximum(upper - y, y - lower)) * inside
    canvas.shade(0.13 * hill(x, y + 0.02, 1.15 * width, 0.085))
    white = 0.95 - 0.26 * smoothstep(0.040, 0.0, y - upper)
    canvas.paint((white, 0.985 * white, 0.97 * white), opening)
    _draw_iris(scene, x, y, opening)
    lash = bump(y - upper, 0.014) * smoothstep(1.10, 0.96, np.abs(across))
    canvas.shade(0.86 * np.minimum(lash, 1.0))
    canvas.shade(0.26 * bump(y - lower, 0.010) * inside)
    crease = bump(y + height * arch + 0.040, 0.012) * smoothstep(1.05, 0.75, np.abs(across))
    canvas.shade(0.24 * crease)
    _draw_brow(scene, x, side)


def _draw_iris(scene: Scene, x: Array, y: Array, opening: Array) -> None:
    factors, canvas = scene.factors, scene.canvas
    x, y = x - 0.042 * factors.gaze, y + 0.018 * factors.gaze_up
    radius = 0.058
    distance = np.sqrt(x * x + y * y + 1e-9)
    brown: Colour = (0.34, 0.20, 0.10)
    iris = blend(brown, (0.30, 0.50, 0.66), float(smoothstep(-0.1, 0.6, factors.iris)))
    depth = (1.0 - 0.45 * smoothstep(0.6 * radius, radius, distance)) * (1.0 + 5.0 * y)
    canvas.paint(scale(iris, depth), opening * canvas.cover(distance - radius))
    canvas.paint((0.03, 0.03, 0.04), opening * canvas.cover(distance - 0.027))
    glint = ellipse(x - 0.018 - 0.010 * factors.light_side, y + 0.020, 0.013, 0.013)
    canvas.paint((1.0, 1.0, 1.0), 0.95 * opening * canvas.cover(glint))


def _draw_brow(scene: Scene, x: Array, side: int) -> None:
    factors, canvas = scene.factors, scene.canvas
    outward = side * x / 0.15
    level = -0.225 - 0.030 * factors.brow_height
    curve = level + 0.030 * (outward + 0.1) ** 2 - 0.036 * factors.brow_angle * outward
    y = scene.face_y - EYE_Y - curve
    thickness = (0.022 + 0.010 * factors.brow_thickness) * (1.0 - 0.55 * smoothstep(0.1, 1.1, outward))
    ends = smoothstep(1.10, 0.92, np.abs(outward))
    canvas.paint(scale(scene.hair, 0.68), 0.88 * ends * canvas.cover(np.abs(y) - thickness, 0.006))
