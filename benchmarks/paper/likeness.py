"""How much a picture looks like what a model makes: its place among the model's own samples.

A Gaussian with few directions and one deviation for the rest (probabilistic PCA; Tipping, Bishop 1999) is fitted to
small copies of half of the samples; distances are in units of the other half's, so that a sample has about 1.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from i2s_trt.arrays import Array, Pixels

_SIDE = 16  # pixels of the small copies
_DIRECTIONS = 24


class Likeness:
    """Fitted to samples.

    Args:
        samples: uint8 [N, H, W, 3], N of at least 64.
    """

    def __init__(self, samples: Sequence[Pixels]) -> None:
        small = np.stack([_small(sample) for sample in samples])
        fitted, held = small[::2], small[1::2]
        self._mean = fitted.mean(axis=0)
        _, deviations, directions = np.linalg.svd(fitted - self._mean, full_matrices=False)
        variances = deviations**2 / len(fitted)
        self._directions, self._variances = directions[:_DIRECTIONS], variances[:_DIRECTIONS] + 1e-9
        self._rest = max(float(variances[_DIRECTIONS:].sum()) / (small.shape[1] - _DIRECTIONS), 1e-9)
        self._unit = max(float(np.median([self._raw(row) for row in held])), 1e-9)

    def distance(self, picture: Pixels) -> float:
        """About 1 for the model's own samples; larger, the less a picture looks like one."""
        return self._raw(_small(picture)) / self._unit

    def _raw(self, row: Array) -> float:
        offset = row - self._mean
        within = self._directions @ offset
        outside = float(offset @ offset - within @ within) / self._rest
        return float(np.sqrt((np.square(within) / self._variances).sum() + max(outside, 0.0)))


def _small(picture: Pixels) -> Pixels:
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float64).ravel() / 255
