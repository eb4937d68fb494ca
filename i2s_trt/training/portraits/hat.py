"""A knitted cap over the hair, in the colour of the clothes, and the shadow that it casts."""

from __future__ import annotations

import numpy as np

from i2s_trt.training.portraits.backdrop import cloth_colour
from i2s_trt.training.portraits.canvas import bump, scale, smoothstep
from i2s_trt.training.portraits.hair import CAP_Y, Style
from i2s_trt.training.portraits.head import Outline
from i2s_trt.training.portraits.scene import Scene


def draw_hat(scene: Scene, outline: Outline, style: Style) -> None:
    """Draws it as strongly as factor `hat` says (0 none, 1 fully there): a ribbed crown above a turned-up cuff."""
    worn = scene.factors.hat
    if worn == 0.0:
        return
    window = scene.crop(*scene.window(-1.0, 1.0, -1.0, 0.2))
    rows = slice(0, window.picture_x.shape[0])
    canvas, x, y, light = window.canvas, window.head_x, window.head_y, window.light
    reach, crown = style.reach + 0.030, style.crown + 0.060
    across, up = x / reach, np.minimum(y - CAP_Y, 0.0) / crown
    square = across * across
    edge = -0.43 + 0.16 * np.minimum(square, 1.2) + 0.05 * scene.factors.pitch
    upwards = up * up
    rounded = np.sqrt(np.sqrt(square * square + upwards * upwards + 1.3 * square * upwards + 1e-9))
    above = edge - y  # how far above the cuff's lower rim
    cuff = smoothstep(0.205, 0.185, above)
    shape = np.maximum((rounded - 1.0) * reach - 0.010 * cuff * smoothstep(0.0, 0.05, above), -above)
    skin = canvas.cover(outline.distance[rows])
    canvas.shade(0.40 * worn * skin * smoothstep(-0.13, 0.0, above))
    depth = np.sqrt(np.maximum(1.0 - across * across - up * up, 0.04))
    shade = 0.40 + 0.62 * np.maximum(light.x * across + light.y * up + light.z * depth, 0.0)
    ribs = np.cos(30.0 * across * (1.0 + 0.30 * np.minimum(square, 1.2)) * (1.0 - 0.35 * cuff))
    stitches = np.cos(46.0 * above)
    shade = shade * (1.0 + (0.10 + 0.05 * cuff) * ribs + 0.05 * stitches * (1.0 - cuff)) * (1.0 + 0.10 * cuff)
    shade = shade * (1.0 - 0.38 * bump(above - 0.215, 0.022)) * (1.0 - 0.25 * bump(above, 0.022))
    canvas.paint(scale(cloth_colour(scene.factors), window.exposed(shade)), worn * canvas.cover(shape, 0.006))
