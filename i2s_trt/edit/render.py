"""Latents to pictures through a synthesizer, a few at a time, so that a long video needs little memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import Delta, TunedLatent, changed
from i2s_trt.latents import refuse_absurd

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
    from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer


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


def render_tuned(
    synthesizer: "Callable[[Delta | None], Synthesizer]", latents: Iterable[TunedLatent]
) -> Iterator[Pixels]:
    """Pictures uint8 [H, W, 3] of latents, each by the model that it is tuned to; neighbours that share one at once.

    Args:
        synthesizer: renders with a delta, or with the model as it is.
        latents: in their order.

    Raises:
        LatentError: as `render_latents` does, or a delta is not the model's.
    """
    for _, run in groupby(latents, lambda latent: id(latent.delta)):
        alike = list(run)
        yield from render_latents(synthesizer(alike[0].delta), (latent.w_plus for latent in alike))


def tuned_synthesizer(generator: "Generator", delta: Delta | None) -> "TorchSynthesizer":
    """PyTorch's synthesizer of a model with a delta. Raises LatentError: its tensors are not the model's."""
    from i2s_trt.synthesizer import TorchSynthesizer

    return TorchSynthesizer(generator if delta is None else changed(generator, delta))
