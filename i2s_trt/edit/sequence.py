"""Frames of a morph: where each one lies between two latents, and the way back."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from i2s_trt.arrays import WPlus
from i2s_trt.deltas import Delta, mixed
from i2s_trt.edit.operations import random_walk
from i2s_trt.errors import UsageError

EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "ease-in": lambda t: 1 - math.cos(t * math.pi / 2) if t < 1 else 1.0,
    "ease-out": lambda t: math.sin(t * math.pi / 2),
    "ease-in-out": lambda t: t * t * (3 - 2 * t),
}


@dataclass(frozen=True)
class MorphOptions:
    """How a morph moves.

    Attributes:
        frames: from one latent to the next, both ends counted; at least 2.
        easing: a name in EASINGS; how the speed changes between two latents.
        ping_pong: whether it goes back the way it came, so that it can be repeated without a jump.
        wander: strays from the straight line as `operations.random_walk` does; 0 not at all.
        seed: of the wandering.
    """

    frames: int = 60
    easing: str = "linear"
    ping_pong: bool = False
    wander: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.easing not in EASINGS:
            raise UsageError(f"no easing named {self.easing}", f"there are {', '.join(EASINGS)}")
        if self.frames < 2:
            raise UsageError(f"{self.frames} frame does not make a morph", "give 2 or more: both ends count")


@dataclass(frozen=True)
class Frame:
    """One picture of a morph.

    Attributes:
        w_plus: float32 [L, D].
        position: 0 at the first latent, 1 at the second, 1.5 half-way to the third.
    """

    w_plus: WPlus
    position: float


def morph_frames(latents: Sequence[WPlus], options: MorphOptions) -> Iterator[Frame]:
    """The frames of a morph through two or more latents [L, D]; every latent itself is among them, exactly.

    Raises:
        UsageError: fewer than two latents.
        LatentError: their shapes differ.
    """
    if len(latents) < 2:
        raise UsageError("a morph needs two latents", "name the other one too, or mean")
    positions = frame_positions(len(latents), options)
    return (Frame(_interpolate(latents, position, options), position) for position in positions)


def frame_positions(count: int, options: MorphOptions) -> list[float]:
    """The position of every frame of a morph through `count` latents."""
    steps = np.arange(options.frames) / (options.frames - 1)
    eased = [min(EASINGS[options.easing](float(step)), 1.0) for step in steps]
    there = [part + position for part in range(count - 1) for position in eased[:-1]] + [float(count - 1)]
    return there + there[-2:0:-1] if options.ping_pong else there


def delta_at(deltas: Sequence[Delta | None], position: float) -> Delta | None:
    """What a frame at a position changes in the model: a straight line between the deltas of its two latents."""
    return mixed([(delta, max(0.0, 1 - abs(position - index))) for index, delta in enumerate(deltas)])


def _interpolate(latents: Sequence[WPlus], position: float, options: MorphOptions) -> WPlus:
    part = min(int(position), len(latents) - 2)
    return random_walk(latents[part], latents[part + 1], position - part, options.wander, options.seed + part)
