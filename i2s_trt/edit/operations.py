"""The paper's operations on latents: morphing, crossover, expression transfer. Pure functions on arrays.

All take and give w_plus arrays [..., L, D] in float32, compute in float64 and leave their arguments alone. Source:
Abdal, Qin, Wonka 2019, section 4; truncation: Karras, Laine, Aila 2019, appendix B.
"""

import math
from collections.abc import Sequence

import numpy as np

from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import LatentError, UsageError

EXPRESSION_THRESHOLD = 1.0  # section 4.3
SHORTEST_DIRECTION = 1e-30  # L2 norm; well below, float32 is subnormal: it loses digits, or is flushed to zero
_BRIDGE_TERMS = 32


def morph(first: WPlus, second: WPlus, weight: float) -> WPlus:
    """w = lambda w1 + (1 - lambda) w2 (section 4.1); a weight of 1 is the first latent, 0 the second, exactly."""
    _check_shapes(first, second)
    return _float32(weight * first.astype(np.float64) + (1 - weight) * second.astype(np.float64))


def style_layers(num_layers: int) -> range:
    """The layers that carry style: the upper half, 9 to 17 of 18 (section 4.2)."""
    return range(num_layers // 2, num_layers)


def crossover(content: WPlus, style: WPlus, layers: Sequence[int] | None = None) -> WPlus:
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
    chosen = style_layers(content.shape[-2]) if layers is None else layers
    return np.where(_mask(content.shape[-2], chosen), _float32(style), _float32(content))


def expression_direction(
    neutral: WPlus, expression: WPlus, threshold: float = EXPRESSION_THRESHOLD, *, normalize: bool = False
) -> WPlus:
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
    return normalized(direction) if normalize else _float32(direction)


def direction_length(direction: WPlus) -> float:
    """L2 norm, in float64; 0 for what is shorter than `SHORTEST_DIRECTION`, which points nowhere."""
    length = float(np.linalg.norm(direction.astype(np.float64)))
    return 0.0 if length < SHORTEST_DIRECTION else length


def normalized(direction: WPlus) -> WPlus:
    """The direction scaled to unit L2 norm, so that strengths are lengths in W+ (section 4.3).

    Zeros for a direction without length (`direction_length`).
    """
    length = direction_length(direction)
    return _float32(direction.astype(np.float64) / length if length else np.zeros_like(direction))


def move(latent: WPlus, direction: WPlus, strength: float, layers: Sequence[int] | None = None) -> WPlus:
    """w + lambda d in some layers, all when left out.

    Args:
        latent: [..., L, D].
        direction: [L, D], or [1, D] or [D] for the same in every layer.
        strength: lambda; negative goes the other way.
        layers: that are moved.

    Raises:
        LatentError: the direction has another shape.
        UsageError: a layer does not exist.
    """
    if direction.shape not in (latent.shape[-2:], (1, latent.shape[-1]), latent.shape[-1:]):
        raise LatentError(
            f"a direction {list(direction.shape)} does not fit a latent {list(latent.shape)}",
            "take a direction that was made for this model",
        )
    step = strength * direction.astype(np.float64)
    if layers is not None:
        step = step * _mask(latent.shape[-2], layers)
    return _float32(latent.astype(np.float64) + step)


def expression_transfer(
    target: WPlus,
    neutral: WPlus,
    expression: WPlus,
    strength: float = 1.0,
    threshold: float = EXPRESSION_THRESHOLD,
    layers: Sequence[int] | None = None,
    *,
    normalize: bool = False,
) -> WPlus:
    """w = w1 + lambda (w3 - w2) (section 4.3); arguments as for `expression_direction` and `move`."""
    _check_shapes(target, neutral)
    return move(target, expression_direction(neutral, expression, threshold, normalize=normalize), strength, layers)


def truncate(latent: WPlus, mean_w: Array, psi: float, cutoff: int | None = None) -> WPlus:
    """Draw the first `cutoff` layers (all when left out) towards the mean latent [D] or [L, D]; 0 and 1 are exact."""
    count = latent.shape[-2]
    affected = _mask(count, range(count if cutoff is None else min(cutoff, count)))
    drawn = morph(latent, np.broadcast_to(mean_w, latent.shape), psi)
    return np.where(affected, drawn, _float32(latent))


def random_walk(first: WPlus, last: WPlus, position: float, wander: float = 0.5, seed: int = 0) -> WPlus:
    """A point of a random walk that begins at one latent and ends at the other, such as the mean face.

    The straight line plus a Brownian bridge, as its Karhunen-Loeve series, so that a walk is the same curve however
    many points are taken from it. The paper shows such walks in its videos and does not say how they were drawn.

    Args:
        first, last: [L, D].
        position: 0 is the first latent, 1 the last, exactly.
        wander: how far it strays: in the middle by this share of half the way's length, as root mean square.
        seed: of the bridge.

    Raises:
        LatentError: the shapes differ.
    """
    _check_shapes(first, last)
    line = morph(last, first, position)
    if not 0 < position < 1 or wander == 0:
        return line
    terms = np.arange(1, _BRIDGE_TERMS + 1)
    waves = math.sqrt(2) * np.sin(math.pi * position * terms) / (math.pi * terms)
    bridge = np.tensordot(waves, np.random.default_rng(seed).standard_normal((_BRIDGE_TERMS, *first.shape)), 1)
    length = np.sqrt(np.mean(np.square(last.astype(np.float64) - first), axis=-1, keepdims=True))
    return _float32(line + wander * length * bridge)


def _check_shapes(first: WPlus, second: WPlus) -> None:
    if first.ndim < 2 or first.shape[-2:] != second.shape[-2:]:
        raise LatentError(
            f"latents of shapes {list(first.shape)} and {list(second.shape)} cannot be combined",
            "take latents of one model, or of models with the same number and width of layers",
        )


def _mask(count: int, layers: Sequence[int]) -> Array:
    """[L, 1], true at the chosen layers."""
    unknown = [layer for layer in layers if not 0 <= layer < count]
    if unknown:
        raise UsageError(f"there is no layer {unknown[0]}", f"layers go from 0 to {count - 1} in this model")
    return np.isin(np.arange(count), list(layers))[:, None]


def _float32(values: Array) -> WPlus:
    with np.errstate(over="ignore"):  # what is too large becomes infinite; who renders it says so
        return np.ascontiguousarray(values, dtype=np.float32)
