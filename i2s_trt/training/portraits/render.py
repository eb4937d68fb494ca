"""The procedural portrait renderer: ground-truth factors in, an aligned portrait out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from i2s_trt.training.factors import Factors, factors_from_uniform
from i2s_trt.training.portraits.backdrop import draw_background, draw_clothes, draw_neck
from i2s_trt.training.portraits.eyes import draw_eyes
from i2s_trt.training.portraits.glasses import draw_glasses
from i2s_trt.training.portraits.hair import draw_back_hair, draw_beard, draw_front_hair, hair_style
from i2s_trt.training.portraits.hat import draw_hat
from i2s_trt.training.portraits.head import draw_age, draw_ears, draw_nose, draw_skin, draw_skin_texture, head_outline
from i2s_trt.training.portraits.mouth import draw_mouth
from i2s_trt.training.portraits.scene import build_scene, expose


def render_portrait(factors: Factors, size: int = 128) -> npt.NDArray[np.uint8]:
    """One portrait [size, size, 3], uint8 RGB, eyes and mouth where FFHQ's alignment puts them.

    A pure function: the same factors give the same bytes, and every pixel is a smooth function of them.
    """
    scene = build_scene(factors, size)
    outline = head_outline(scene)
    style = hair_style(scene, outline)
    draw_background(scene)
    draw_back_hair(scene, style)
    draw_neck(scene)
    draw_clothes(scene)
    draw_ears(scene)
    light = draw_skin(scene, outline)
    draw_nose(scene)
    draw_skin_texture(scene, outline)
    draw_age(scene)
    draw_beard(scene, outline, light)
    draw_mouth(scene, light)
    draw_eyes(scene)
    draw_front_hair(scene, outline, style)
    draw_hat(scene, outline, style)
    draw_glasses(scene)
    expose(scene)
    planes = np.clip(scene.canvas.planes, 0.0, 1.0)
    return np.ascontiguousarray(np.rint(planes * 255.0).astype(np.uint8).transpose(1, 2, 0))


def render_uniform(rows: Iterable[npt.NDArray[Any]], size: int = 128) -> npt.NDArray[np.uint8]:
    """Rows of uniform variables [N, COUNT] in [-1, 1] to portraits [N, size, size, 3], uint8 RGB."""
    return np.stack([render_portrait(factors_from_uniform(row), size) for row in rows])
