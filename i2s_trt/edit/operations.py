"""The paper's operations on latents: morphing, crossover, expression transfer. Pure functions on arrays.

All take and give w_plus arrays [..., L, D] in float32 and leave their arguments alone. Source: Abdal, Qin, Wonka 2019,
section 4; truncation: Karras, Laine, Aila 2019, appendix B.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from i2s_trt.errors import LatentError, UsageError

Array = np.ndarray[Any, Any]
EXPRESSION_THRESHOLD = 1.0  # section 4.3


def morph(first: Array, second: Array, weight: float) -> Array:
    """w = lambda w1 + (1 - lambda) w2 (section 4.1); a weight of 1 is the first latent, 0 the second, exactly."""
    _check_shapes(first, second)
    return _float32(weight * first.astype(np.float64) + (1 - weight) * second.astype(np.float64))


def style_layers(num_layers: int) -> range:
    """The layers that carry style: the upper half, 9 to 17 of 18 (section 4.2)."""
    return range(num_layers // 2, num_layers)


def crossover(content: Array, style: Array, layers: Sequence[int] | None = None) -> Array:
    """The content's latent with some layers replaced by the style's (section 4.2).

    Args:
        content: [..., L, D], keeps the other layers.
        style: [..., L, D], gives `layers`.
        layers: 0 is the coarsest; the upper half when left out.

    Raises:
        LatentError: the shapes differ.
        UsageError: a layer does not exist.
    """
    _check_shapes(content, style)
    count = content.shape[-2]
    chosen = list(style_layers(count) if layers is None else layers)
    if any(not 0 <= layer < count for layer in chosen):
        raise UsageError(f"layers {chosen} are not all among 0..{count - 1}")
    result = _float32(content).copy()
    result[..., chosen, :] = style[..., chosen, :]
    return result


def expression_direction(
    neutral: Array, expression: Array, threshold: float = EXPRESSION_THRESHOLD, *, normalize: bool = False
) -> Array:
    """w3 - w2 without its small rows (section 4.3).

    Args:
        neutral: w2 [L, D], a face at rest.
        expression: w3 [L, D], the same face with an expression.
        threshold: rows of the difference with a smaller L2 norm become zero.
        normalize: whether to scale the rest to unit L2 norm, so that strengths are lengths in W+.

    Raises:
        LatentError: the shapes differ.
    """
    _check_shapes(neutral, expression)
    difference = expression.astype(np.float64) - neutral.astype(np.float64)
    norms = np.linalg.norm(difference, axis=-1, keepdims=True)
    direction = np.where(norms < threshold, 0.0, difference)
    length = np.linalg.norm(direction)
    return _float32(direction / length if normalize and length > 0 else direction)


def move(latent: Array, direction: Array, strength: float) -> Array:
    """w + lambda d; the direction [L, D], [1, D] or [D] is repeated for every layer that it lacks."""
    if direction.shape[-1] != latent.shape[-1]:
        raise LatentError(f"a direction {list(direction.shape)} does not fit a latent {list(latent.shape)}")
    return _float32(latent.astype(np.float64) + strength * direction.astype(np.float64))


def expression_transfer(
    target: Array,
    neutral: Array,
    expression: Array,
    strength: float = 1.0,
    threshold: float = EXPRESSION_THRESHOLD,
    *,
    normalize: bool = False,
) -> Array:
    """w = w1 + lambda (w3 - w2) (section 4.3); arguments as for `expression_direction`."""
    _check_shapes(target, neutral)
    return move(target, expression_direction(neutral, expression, threshold, normalize=normalize), strength)


def truncate(latent: Array, mean_w: Array, psi: float, cutoff: int | None = None) -> Array:
    """Draw the first `cutoff` layers (all when left out) towards the mean latent [D] or [L, D]."""
    strength = np.ones((latent.shape[-2], 1))
    strength[: latent.shape[-2] if cutoff is None else cutoff] = psi
    return _float32(mean_w + (latent.astype(np.float64) - mean_w) * strength)


def _check_shapes(first: Array, second: Array) -> None:
    if first.ndim < 2 or first.shape[-2:] != second.shape[-2:]:
        raise LatentError(
            f"latents of shapes {list(first.shape)} and {list(second.shape)} cannot be combined",
            "take latents of one model, or of models with the same number and width of layers",
        )


def _float32(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float32)
