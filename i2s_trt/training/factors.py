"""The ground-truth factors of a procedural portrait, and how latent vectors become factors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

LEVELS: Final = ("coarse", "middle", "fine")


def _factor(level: str, about: str, onset: float = 0.0, full: float = 0.0) -> Any:
    """A factor of one level; with `full` > `onset`, part-time: 0 up to `onset`, 1 from `full`, smooth between."""
    return field(default=0.0, metadata={"level": level, "about": about, "onset": onset, "full": full})


@dataclass(frozen=True)
class Factors:
    """What one portrait shows. Values lie in [-1, 1]; part-time factors (a beard, glasses) lie in [0, 1]."""

    yaw: float = _factor("coarse", "head turned to the picture's left or right")
    pitch: float = _factor("coarse", "head lowered or raised")
    roll: float = _factor("coarse", "head tilted")
    face_width: float = _factor("coarse", "narrow to broad face")
    jaw: float = _factor("coarse", "pointed to square jaw")
    chin: float = _factor("coarse", "short to long chin")
    hair_length: float = _factor("coarse", "short to below the shoulders", -0.1, 1.0)
    hair_volume: float = _factor("coarse", "flat to full hair")
    hair_part: float = _factor("coarse", "where the hair is parted")
    bangs: float = _factor("coarse", "hair over the forehead", 0.05, 0.9)
    bald: float = _factor("coarse", "receding to a bare crown", 0.65, 1.0)
    curl: float = _factor("coarse", "curly hair", 0.2, 1.0)
    glasses: float = _factor("middle", "glasses worn", 0.32, 0.42)
    glasses_round: float = _factor("middle", "square to round glasses")
    smile: float = _factor("middle", "frown to smile")
    mouth_open: float = _factor("middle", "closed to wide open mouth", -0.1, 1.0)
    mouth_width: float = _factor("middle", "narrow to wide mouth")
    lip_fullness: float = _factor("middle", "thin to full lips")
    eye_open: float = _factor("middle", "nearly closed to wide open eyes")
    eye_size: float = _factor("middle", "small to large eyes")
    gaze: float = _factor("middle", "looking to the picture's left or right")
    gaze_up: float = _factor("middle", "looking up or down")
    brow_height: float = _factor("middle", "low to raised brows")
    brow_angle: float = _factor("middle", "worried to stern brows")
    brow_thickness: float = _factor("middle", "thin to thick brows")
    nose_width: float = _factor("middle", "narrow to broad nose")
    nose_length: float = _factor("middle", "short to long nose")
    moustache: float = _factor("middle", "moustache", 0.45, 0.8)
    beard: float = _factor("middle", "beard", 0.4, 0.85)
    age: float = _factor("middle", "lines of age", 0.1, 1.0)
    skin_tone: float = _factor("fine", "light to dark skin")
    skin_warmth: float = _factor("fine", "cool to warm skin")
    hair_darkness: float = _factor("fine", "blond to black hair")
    hair_redness: float = _factor("fine", "red hair", 0.2, 1.0)
    hair_grey: float = _factor("fine", "grey hair", 0.5, 0.95)
    iris: float = _factor("fine", "brown to blue eyes")
    lip_colour: float = _factor("fine", "pale to red lips")
    light_side: float = _factor("fine", "light from the picture's left or right")
    light_height: float = _factor("fine", "light from below or above")
    backdrop_hue: float = _factor("fine", "warm to cool background")
    backdrop_green: float = _factor("fine", "magenta to green background")
    backdrop_light: float = _factor("fine", "dark to light background")
    backdrop_glow: float = _factor("fine", "a glow behind the head", 0.0, 1.0)
    backdrop_stripes: float = _factor("fine", "broad slanted stripes", 0.4, 1.0)
    clothes_hue: float = _factor("fine", "warm to cool clothes")
    clothes_light: float = _factor("fine", "dark to light clothes")
    hat: float = _factor("coarse", "knitted cap worn", 0.6, 0.7)
    hair_texture: float = _factor("coarse", "smooth hair to coarse locks, light and dark")
    stubble: float = _factor("middle", "unshaven jaw and upper lip", 0.1, 1.0)
    skin_texture: float = _factor("fine", "smooth skin to freckles, pores and deep-set features")
    light_strength: float = _factor("fine", "dim and even to glaring light")
    light_warmth: float = _factor("fine", "bluish to orange light over the whole picture")
    backdrop_clutter: float = _factor("fine", "things out of focus behind the head", 0.0, 1.0)
    collar: float = _factor("fine", "a jacket over a light shirt with a collar", 0.0, 0.5)


NAMES: Final = tuple(item.name for item in fields(Factors))
INDEX: Final = {name: index for index, name in enumerate(NAMES)}
LEVEL_OF: Final = tuple(LEVELS.index(item.metadata["level"]) for item in fields(Factors))
COUNT: Final = len(NAMES)
WORN: Final = ("glasses", "beard", "moustache", "stubble", "hat")
"""Factors of what a face may wear, which hide expressions."""
EXPRESSION: Final = ("smile", "mouth_open", "eye_open", "gaze", "gaze_up", "brow_height", "brow_angle")


def visible(name: str, uniform: npt.NDArray[Any] | float) -> FloatArray:
    """What a uniform variable in [-1, 1] shows of factor `name`: itself, or a part-time factor's [0, 1]."""
    meta = fields(Factors)[INDEX[name]].metadata
    values = np.asarray(uniform, np.float32)
    if meta["full"] <= meta["onset"]:
        return values
    t = np.clip((values - meta["onset"]) / (meta["full"] - meta["onset"]), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def bends(index: int) -> tuple[float, ...]:
    """Where the latent of a part-time factor starts to show, shows fully, and half-way, in standard deviations.

    Empty for a factor that always shows. What shows fully at the very end only is taken to do so at .95.
    """
    if index >= COUNT:
        return ()
    meta = fields(Factors)[index].metadata
    if meta["full"] <= meta["onset"]:
        return ()
    onset, full = (NormalDist().inv_cdf((1.0 + min(meta[end], 0.95)) / 2.0) for end in ("onset", "full"))
    return onset, full, (onset + full) / 2.0


def factors_from_uniform(uniform: npt.NDArray[Any]) -> Factors:
    """Factors of one row [COUNT] of uniform variables in [-1, 1] to what it shows."""
    return Factors(**{name: float(visible(name, uniform[index])) for index, name in enumerate(NAMES)})


def sample_latents(seed: int, count: int, mixing: float = 0.5) -> FloatArray:
    """Latents [count, 3, COUNT] of unit mean square, one a level; a share `1 - mixing` has three equal ones.

    Row i depends on (seed, i) alone, so neither batch size nor order changes a sample.
    """
    rows = [_sample_latent(np.random.default_rng([seed, index]), mixing) for index in range(count)]
    return np.stack(rows) if rows else np.zeros((0, len(LEVELS), COUNT), np.float32)


def _sample_latent(rng: np.random.Generator, mixing: float) -> FloatArray:
    mixed = rng.random() < mixing
    latents = rng.standard_normal((len(LEVELS), COUNT))
    if not mixed:
        latents[:] = latents[0]
    latents /= np.sqrt(np.mean(latents**2, axis=1, keepdims=True))
    return latents.astype(np.float32)


def sample_pairs(seed: int, count: int, mixing: float = 0.5) -> FloatArray:
    """Latents [2 * count, 3, COUNT]: rows 2i and 2i + 1 are one face with two expressions."""
    first = sample_latents(seed, count, mixing)
    second = np.stack([_other_expression(np.random.default_rng([seed, i, 1]), row) for i, row in enumerate(first)])
    return np.stack([first, second], axis=1).reshape(2 * count, *first.shape[1:])


def _other_expression(rng: np.random.Generator, latent: FloatArray) -> FloatArray:
    """The latent [3, COUNT] with the expression's values turned about at random, which keeps the mean square."""
    columns = [INDEX[name] for name in EXPRESSION]
    middle = LEVELS.index("middle")
    direction = rng.standard_normal(len(columns))
    turned = direction / np.linalg.norm(direction) * np.linalg.norm(latent[middle, columns])
    same_face = (latent == latent[middle]).all(axis=1)  # all three levels, or the middle one of a mixed face
    result = latent.copy()
    result[np.ix_(same_face, columns)] = turned
    return result


def uniform_from_latents(latents: npt.NDArray[Any]) -> FloatArray:
    """Latents [N, 3, COUNT] to uniform variables [N, COUNT] in [-1, 1]: each factor from its own level's latent."""
    own = latents[:, list(LEVEL_OF), np.arange(COUNT)].astype(np.float64)
    erf = np.frompyfunc(math.erf, 1, 1)
    return np.asarray(erf(own / math.sqrt(2.0)), np.float32)
