"""Where an embedding starts, as users name it: `mean`, `random` or a latent file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.embedding.options import Init
from i2s_trt.errors import LatentError
from i2s_trt.latents import fitting_latents
from i2s_trt.models.generator import Generator


@dataclass(frozen=True)
class StartingPoint:
    """The `init` and `init_digest` of `EmbedOptions`, and the latent itself, w_plus [L, D], when there is one."""

    init: Init
    digest: str = ""
    w_plus: np.ndarray[Any, Any] | None = None


def starting_point(name: str, generator: Generator) -> StartingPoint:
    """Read a latent file unless `name` is `mean` or `random`.

    Raises:
        LatentError: the file does not hold one latent of this model.
    """
    if name == "mean":
        return StartingPoint("mean")
    if name == "random":
        return StartingPoint("random")
    latents = fitting_latents(Path(name), generator)
    if len(latents) != 1:
        raise LatentError(
            f"{name} holds {len(latents)} latents where one is needed", "save the one to start from alone"
        )
    (w_plus,) = latents
    return StartingPoint("latent", hashlib.sha256(w_plus.tobytes()).hexdigest(), w_plus)
