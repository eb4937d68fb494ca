"""Drawn people whose factors are known, and the same person with several expressions."""

from dataclasses import replace

from i2s_trt.arrays import Pixels
from i2s_trt.training.factors import Factors, factors_from_uniform, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_portrait

FACE_SEEDS = (5103, 5112, 5115, 5122, 5101)  # seeds from 5000 upwards were never trained on
SOURCE_SEEDS = (5121, 5117)
EXPRESSIONS: dict[str, dict[str, float]] = {
    "neutral": {"smile": -0.2, "mouth_open": 0.0, "brow_height": 0.0, "eye_open": 0.0},
    "smile": {"smile": 0.9, "mouth_open": 0.4, "brow_height": 0.0, "eye_open": 0.0},
    "surprise": {"smile": 0.0, "mouth_open": 0.9, "brow_height": 0.9, "eye_open": 0.9},
}


def person(seed: int) -> Factors:
    """The factors of a drawn face."""
    return factors_from_uniform(uniform_from_latents(sample_latents(seed, 1, mixing=0.0))[0])


def drawn_face(seed: int, size: int) -> Pixels:
    """A drawn face, uint8 [size, size, 3]."""
    return render_portrait(person(seed), size)


def drawn_expression(seed: int, expression: str, size: int) -> Pixels:
    """A drawn, shaven person without glasses, with one of `EXPRESSIONS`; uint8 [size, size, 3]."""
    face = replace(person(seed), glasses=0.0, beard=0.0, moustache=0.0, bangs=0.0)
    return render_portrait(replace(face, **EXPRESSIONS[expression]), size)
