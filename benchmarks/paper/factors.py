"""The factors that a reader sees, by the level at which they are drawn."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from i2s_trt.arrays import Array
from i2s_trt.training.factors import INDEX, LEVEL_OF, LEVELS

Readings = Mapping[str, Array]
EXPRESSIVE = ("smile", "mouth_open", "eye_open", "gaze", "brow_height", "brow_angle")
_DIFFERS = 0.3  # of a factor whose range is 2


def level_of(factor: str) -> str:
    """`coarse`, `middle` or `fine`."""
    return LEVELS[LEVEL_OF[INDEX[factor]]]


def is_fine(factor: str) -> bool:
    """Whether a factor is drawn by the fine layers: colours and light."""
    return level_of(factor) == "fine"


def taken_shares(content: Readings, style: Readings, mixed: Readings) -> dict[str, float]:
    """How far each factor of a mixture goes from the content's to the style's: 0 is kept, 1 is taken over.

    Args:
        content, style, mixed: factor -> values [N] of N pairs and their mixtures. Factors that hardly differ within
            any pair are left out.
    """
    shares = {}
    for factor in content:
        path, gone = style[factor] - content[factor], mixed[factor] - content[factor]
        if float(np.abs(path).max()) > _DIFFERS:
            shares[factor] = float((path * gone).sum() / np.square(path).sum())
    return shares


def mean_share(shares: Mapping[str, float], *, fine: bool) -> float:
    """Mean over the fine factors, or over all others; nan when there are none."""
    chosen = [share for factor, share in shares.items() if is_fine(factor) == fine]
    return fmean(chosen) if chosen else float("nan")
