"""Glasses: two rims between square and round, a bridge, temples and a faint reflection."""

from __future__ import annotations

import numpy as np

from i2s_trt.training.portraits.canvas import Colour
from i2s_trt.training.portraits.head import half_width
from i2s_trt.training.portraits.scene import EYE_X, EYE_Y, Scene

FRAME: Colour = (0.10, 0.08, 0.09)


def draw_glasses(scene: Scene) -> None:
    """Draws them as strongly as factor `glasses` says (0 none, 1 fully there)."""
    worn = scene.factors.glasses
    if worn == 0.0:
        return
    window = scene.crop(*scene.window(-0.75, 0.75, -0.35, 0.25))
    canvas, x, y = window.canvas, window.face_x, window.face_y - EYE_Y - 0.012
    side = np.abs(x) - (EYE_X + 0.008)
    power = 3.0 - 1.0 * window.factors.glasses_round
    lens = ((np.abs(side) / 0.185) ** power + (np.abs(y) / 0.145) ** power + 1e-9) ** (1.0 / power)
    distance = (lens - 1.0) * 0.15
    inside = canvas.cover(distance)
    canvas.paint((0.75, 0.82, 0.88), 0.08 * worn * inside)
    canvas.paint((1.0, 1.0, 1.0), 0.20 * worn * inside * canvas.cover(np.abs(side + y + 0.06) - 0.022, 0.015))
    canvas.paint(FRAME, worn * canvas.cover(np.abs(distance) - 0.013))
    bridge = np.maximum(np.abs(y + 0.035 - 0.8 * x * x) - 0.011, np.abs(x) - 0.085)
    canvas.paint(FRAME, worn * canvas.cover(bridge))
    edge = np.abs(window.head_x)
    temple = np.maximum(np.abs(y + 0.03) - 0.012, np.maximum(edge - half_width(scene.factors), 0.43 - np.abs(x)))
    canvas.paint(FRAME, worn * canvas.cover(temple))
