"""Latents to pictures through a synthesizer, a few at a time, so that a long video needs little memory."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
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
