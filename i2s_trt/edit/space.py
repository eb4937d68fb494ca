"""Whose latents are edited: one model's W+, which every latent is checked against."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from i2s_trt.arrays import Array, WPlus
from i2s_trt.edit.operations import style_layers
from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator


@dataclass(frozen=True)
class LatentSpace:
    """The W+ of one model.

    Attributes:
        num_layers, w_dim: L and D.
        digest: of the model; empty when it is unknown.
        mean_w: float32 [D], the mean latent w-bar.
        crossover: the first row that a style transfer takes over; the middle one where the model is unknown.
    """

    num_layers: int
    w_dim: int
    digest: str = ""
    mean_w: Array | None = field(default=None, compare=False)
    crossover: int | None = field(default=None, compare=False)

    @classmethod
    def of(cls, generator: "Generator") -> "LatentSpace":
        """The space of a generator."""
        mean_w = generator.mean_w.cpu().numpy()
        return cls(generator.num_layers, generator.w_dim, generator.digest, mean_w, generator.spec.crossover)

    @property
    def style_layers(self) -> range:
        """The rows that carry style (section 4.2), as the architecture has them."""
        return style_layers(self.num_layers) if self.crossover is None else range(self.crossover, self.num_layers)

    @property
    def mean(self) -> Array:
        """w-bar for every layer, float32 [L, D]. Raises LatentError when it is unknown."""
        if self.mean_w is None:
            raise LatentError("the mean latent of this model is unknown", "name a latent instead of the mean")
        return np.ascontiguousarray(np.broadcast_to(self.mean_w, (self.num_layers, self.w_dim)), np.float32)

    def admit(self, latent: Latent, *, any_model: bool = False) -> WPlus:
        """w_plus [L, D] of a latent that belongs here. Raises LatentError as `Latent.for_model` does."""
        return latent.for_model(cast("Generator", self), any_model=any_model)  # which asks for L, D and the digest


def common_space(latents: Sequence[Latent]) -> LatentSpace:
    """The space that latents share; those in W, of one row, adapt to the others.

    Raises:
        LatentError: they were made with different models, or have different shapes.
    """
    digests = sorted({latent.model_digest for latent in latents} - {""})
    if len(digests) > 1:
        raise LatentError(
            f"the latents were made with different models ({', '.join(digest[:12] for digest in digests)})",
            "edit latents of one model together",
        )
    num_layers, w_dim = max(latent.w_plus.shape for latent in latents)
    return LatentSpace(num_layers, w_dim, digests[0] if digests else "")
