"""What can be done to all latents of a clip at once, and how much they flicker. Pure functions on [T, L, D]."""

import math

import numpy as np

from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import LatentError
from i2s_trt.video.track import local_parabolas


def moved(latents: WPlus) -> Array:
    """How far each frame's latent lies from the one before, over all of W+: [T], 0 for the first."""
    flat = latents.astype(np.float64).reshape(len(latents), math.prod(latents.shape[1:]))
    return np.asarray(np.linalg.norm(np.diff(flat, axis=0, prepend=flat[:1]), axis=1))


def reenact(target: WPlus, clip: WPlus, strength: float = 1.0, threshold: float = 0.0) -> WPlus:
    """Another face moves as the clip's does: w = w1 + lambda (w_t - w_0), section 4.3 with frames as expressions.

    Args:
        target: w1 [L, D], the face that is to move.
        clip: w_t [T, L, D]; its first frame counts as the neutral face.
        strength: lambda.
        threshold: layers that nowhere in the clip move as far (L2) stay still.

    Returns:
        float32 [T, L, D].

    Raises:
        LatentError: the shapes differ.
    """
    if target.shape != clip.shape[1:]:
        raise LatentError(
            f"a latent {list(target.shape)} cannot move as a clip of {list(clip.shape[1:])} does",
            "embed both with one model",
        )
    difference = clip.astype(np.float64) - clip[0]
    moving = np.linalg.norm(difference, axis=2).max(axis=0) >= threshold
    return np.asarray(target + strength * difference * moving[:, np.newaxis], np.float32)


def steadied(latents: WPlus, deviation: float) -> WPlus:
    """Latents [T, L, D] smoothed over time by local parabolas; `deviation` in frames, 0 changes nothing."""
    return local_parabolas(latents.astype(np.float64), deviation).astype(np.float32) if deviation > 0 else latents
