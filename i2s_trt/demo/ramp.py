"""How far an expression can be turned on a face before it costs the face: the factor reader is asked."""

from dataclasses import dataclass

import numpy as np
import torch

from i2s_trt.arrays import Array, WPlus
from i2s_trt.edit.operations import expression_transfer
from i2s_trt.synthesizer import Synthesizer
from i2s_trt.training.factor_reader import FactorReader

_FURTHEST, _STEP = 1.0, 0.1  # of the strengths that are tried
_GROWING = ("smile", "mouth_open")  # what the demo's two drawn faces differ in
IDENTITY = ("face_width", "glasses", "moustache", "beard", "age", "skin_tone", "hair_darkness", "hair_length")
_ANOTHER_FACE = 0.4  # change of one of these factors, whose ranges are 1 or 2 wide
_ENOUGH = 0.9  # of the growth
_NOTHING = 0.2  # growth that is the reader's noise


@dataclass(frozen=True)
class Ramp:
    """The strengths between which an expression does what it should; 0 and 0 where it does nothing.

    Attributes:
        weakest: at most 0.
        strongest: at least 0.
        layers: that are changed; all if None.
    """

    weakest: float
    strongest: float
    layers: range | None = None

    def strengths(self, count: int) -> Array:
        """So many, evenly spaced, float64 [count]."""
        return np.linspace(self.weakest, self.strongest, count)


def choose_ramp(
    render: Synthesizer,
    reader: FactorReader,
    target: WPlus,
    neutral: WPlus,
    smiling: WPlus,
    layers: range | None = None,
) -> Ramp:
    """Turn the expression in both directions while it grows and the face stays who it is; latents are float32 [L, D].

    The reader sees the expression (smile and open mouth together) grow with the strength, fast at first. The ends are
    where nine tenths of it are reached: what follows costs the face more than it adds. They lie before the strength at
    which one of `IDENTITY` has moved by 0.4, for that is another face.
    """
    count = round(_FURTHEST / _STEP)
    strengths = np.arange(-count, count + 1) * _STEP
    ends = neutral, smiling
    latents = np.stack([expression_transfer(target, *ends, float(s), layers=layers) for s in strengths])
    reading = reader.read(torch.from_numpy(render.images(latents)))
    expression = np.sum([reading[name].numpy() for name in _GROWING], axis=0)
    identity = np.stack([reading[name].numpy() for name in IDENTITY], axis=1)
    same = (np.abs(identity - identity[count]) < _ANOTHER_FACE).all(axis=1)
    below, above = _enough(-expression[count::-1], same[count::-1]), _enough(expression[count:], same[count:])
    return Ramp(round(-below * _STEP, 1), round(above * _STEP, 1), layers)


def _enough(growing: Array, same: Array) -> int:
    """The first place at which nine tenths of the growth before another face are reached; 0 is where it starts."""
    reachable = growing if same.all() else growing[: int(same.argmin())]
    growth = reachable.max() - growing[0]
    if growth < _NOTHING:
        return 0
    return int((reachable >= growing[0] + _ENOUGH * growth).argmax())
