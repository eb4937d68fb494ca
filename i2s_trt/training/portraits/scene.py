"""One portrait while it is drawn: the picture, the coordinates of head and face, light and colours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from i2s_trt.training.factors import Factors
from i2s_trt.training.portraits.canvas import Array, Canvas, Colour, Value, blend, scale, smoothstep

EYE_X, EYE_Y, MOUTH_Y = 0.25, -0.06, 0.415  # an aligned face in [-1, 1]^2, as in FFHQ


@dataclass(frozen=True)
class Light:
    """A unit vector towards the light; y points down the picture."""

    x: float
    y: float
    z: float


@dataclass(frozen=True)
class Scene:
    """Coordinates are [h, w] arrays in [-1, 1] units, y down: picture, head silhouette, and face features."""

    factors: Factors
    canvas: Canvas
    picture_x: Array
    picture_y: Array
    head_x: Array
    head_y: Array
    face_x: Array
    face_y: Array
    light: Light
    skin: Colour
    hair: Colour

    def exposed(self, shade: Value) -> Any:
        """A surface's shade under this light: even when it is dim, strong in contrast when it glares."""
        return np.maximum(0.80 + (shade - 0.80) * (1.0 + 0.36 * self.factors.light_strength), 0.04)

    def window(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns of a box given in picture units."""
        size = self.picture_x.shape[0]
        first_x, last_x, first_y, last_y = (
            max(0, round((edge + 1.0) / 2.0 * size)) for edge in (left, right, top, bottom)
        )
        return slice(first_y, last_y), slice(first_x, last_x)

    def crop(self, rows: slice, columns: slice) -> Scene:
        """The same scene seen through a window, for drawing small things quickly."""
        names = ("picture_x", "picture_y", "head_x", "head_y", "face_x", "face_y")
        arrays = {name: getattr(self, name)[rows, columns] for name in names}
        return replace(self, canvas=self.canvas.crop(rows, columns), **arrays)


def build_scene(factors: Factors, size: int) -> Scene:
    """An empty picture of `size` pixels with everything that the drawing functions share."""
    axis = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2.0 - 1.0).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    angle = 0.07 * factors.roll
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    upright_x = x * cos + (y - 0.1) * sin
    upright_y = (y - 0.1) * cos - x * sin + np.float32(0.1)
    yaw, pitch = factors.yaw, factors.pitch
    # A turned head keeps its eyes centred (alignment does that), so its outline moves the other way: the back of
    # the skull most, the chin least.
    head_x = upright_x + np.float32(0.085 * yaw) - np.float32(0.035 * yaw) * smoothstep(0.1, 0.9, upright_y)
    face_x = upright_x - np.float32(0.033 * yaw)
    face_x = face_x + np.float32(0.26 * yaw) * face_x * face_x
    face_y = upright_y - np.float32(0.02 * pitch)
    return Scene(
        factors, Canvas(np.zeros((3, size, size), np.float32), 2.0 / size),
        x, y, head_x, upright_y, face_x, face_y, _light(factors), _skin(factors), _hair(factors),
    )  # fmt: skip


def expose(scene: Scene) -> None:
    """The strength and the colour of the light over the whole picture, last of all; highlights soften as on film."""
    factors = scene.factors
    warmth, gain = factors.light_warmth, 1.0 + 0.15 * factors.light_strength
    for plane, tint in zip(scene.canvas.planes, (0.13, 0.01, -0.17), strict=True):
        np.multiply(plane, gain * (1.0 + tint * warmth), out=plane)
        over = np.maximum(plane - np.float32(0.7), 0.0)
        np.subtract(plane, over * over / (over + np.float32(0.9)), out=plane)


def _light(factors: Factors) -> Light:
    x, y, z = 0.65 * factors.light_side, -0.45 - 0.3 * factors.light_height, 0.85
    length = math.sqrt(x * x + y * y + z * z)
    return Light(x / length, y / length, z / length)


def _skin(factors: Factors) -> Colour:
    tone = (factors.skin_tone + 1.0) / 2.0
    light, tan, dark = (0.98, 0.81, 0.71), (0.84, 0.61, 0.46), (0.42, 0.26, 0.18)
    red, green, blue = blend(light, tan, 2.0 * tone) if tone < 0.5 else blend(tan, dark, 2.0 * tone - 1.0)
    warmth = factors.skin_warmth
    return (red * (1.0 + 0.02 * warmth), green, blue * (1.0 - 0.07 * warmth))


def _hair(factors: Factors) -> Colour:
    # Dark skin seldom comes with fair hair; the shift is part of the factor's meaning, not a hidden factor.
    darkness = float(smoothstep(-1.1, 1.0, factors.hair_darkness + 0.35 * (factors.skin_tone + 1.0)))
    red, green, blue = blend((0.90, 0.73, 0.46), (0.36, 0.22, 0.13), min(1.0, 1.8 * darkness))
    red, green, blue = blend((red, green, blue), (0.12, 0.09, 0.09), max(0.0, 1.8 * darkness - 0.8))
    ginger = factors.hair_redness
    tinted = (red * (1.0 + 0.30 * ginger), green * (1.0 - 0.22 * ginger), blue * (1.0 - 0.40 * ginger))
    grey = min(1.0, factors.hair_grey + 0.45 * factors.age)
    return blend(tinted, scale((0.80, 0.80, 0.83), 0.9), grey)
