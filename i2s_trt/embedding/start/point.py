"""Where an embedding starts, as users name it: `mean`, `random`, `encoder` or a latent file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.checkpoints.encoders import PictureEncoder, load_encoder
from i2s_trt.embedding.options import EmbedOptions, Init
from i2s_trt.embedding.start.spaces import variable_from_latent
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.latents import fitting_latents
from i2s_trt.models.generator import Generator

_STARTS = "start from mean, random or encoder, or name a latent file"


@dataclass(frozen=True)
class StartingPoint:
    """The `init` and `init_digest` of `EmbedOptions`, and what to start from where that is not in the options.

    Attributes:
        initial: the latent w_plus [L, D], or the encoder that guesses one for each picture.
    """

    init: Init
    digest: str = ""
    initial: WPlus | PictureEncoder | None = None


def given_variables(
    initial: WPlus | PictureEncoder | None, pictures: Sequence[Pixels], options: EmbedOptions
) -> list[Tensor]:
    """Starting variables from a latent or an encoder, one for each picture; none where neither is given.

    Raises:
        LatentError: a latent cannot be taken back to Z.
        UsageError: the options say so, and neither is given.
    """
    if initial is None:
        if options.init in ("encoder", "latent"):
            raise UsageError(f"no {options.init} was given to start from", "pass starting_point(...).initial")
        return []
    latents = [initial(picture) if callable(initial) else initial for picture in pictures]
    return [variable_from_latent(latent, options.space) for latent in latents]


def starting_point(name: str, generator: Generator) -> StartingPoint:
    """Read a latent file unless `name` is `mean`, `random` or `encoder`.

    Raises:
        ModelError: no encoder has been trained for this model.
        LatentError: the file does not hold one latent of this model.
    """
    if name == "mean":
        return StartingPoint("mean")
    if name == "random":
        return StartingPoint("random")
    if name == "encoder":
        encoder = load_encoder(generator)
        return StartingPoint("encoder", encoder.digest, encoder)
    if not Path(name).suffix and not Path(name).exists():
        raise LatentError(f"{name!r} is no way to start and not a latent file", _STARTS)
    latents = fitting_latents(Path(name), generator)
    if len(latents) != 1:
        raise LatentError(
            f"{name} holds {len(latents)} latents where one is needed", "save the one to start from alone"
        )
    (w_plus,) = latents
    return StartingPoint("latent", hashlib.sha256(w_plus.tobytes()).hexdigest(), w_plus)
