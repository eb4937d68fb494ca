"""Latents to pictures through a synthesizer, a few at a time, so that a long video needs little memory."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import TunedLatent
from i2s_trt.latents import refuse_absurd

if TYPE_CHECKING:
    from i2s_trt.synthesizer import Synthesizer


def render_latents(synthesizer: "Synthesizer", latents: Iterable[WPlus], batch: int = 8) -> Iterator[Pixels]:
    """Pictures uint8 [H, W, 3] of w_plus [L, D], in their order; `batch` at a time are asked for and rendered.

    Raises:
        LatentError: an edit has made values that no latent has.
    """
    remaining = iter(latents)
    while group := list(islice(remaining, batch)):
        stack = np.stack(group)
        refuse_absurd(stack, "the edit gives", "take a smaller strength")
        yield from synthesizer(stack)


def render_tuned(synthesizer: "Synthesizer", latents: Iterable[TunedLatent], batch: int = 8) -> Iterator[Pixels]:
    """Pictures uint8 [H, W, 3] of latents, each by the model that it is tuned to; neighbours that share one at once.

    Args:
        synthesizer: of the model as it is.
        latents: in their order.
        batch: that are rendered at a time at most.

    Raises:
        LatentError: as `render_latents` does, or a delta is not the model's.
    """
    for _, run in groupby(latents, lambda latent: id(latent.delta)):
        alike = list(run)
        own = synthesizer if alike[0].delta is None else synthesizer.tuned(alike[0].delta)
        yield from render_latents(own, (latent.w_plus for latent in alike), batch)
