"""One embedding that a study asks for."""

import hashlib
from dataclasses import dataclass

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.images.fit import picture_digest
from i2s_trt.latents import Latent

MODEL = ""  # the network of the model under study
RANDOM = "random weights"  # of the same architecture (Figures 5 and 14)


@dataclass(frozen=True, eq=False)
class Task:
    """A picture to embed.

    Attributes:
        picture: uint8 [H, W, 3], of the network's picture size.
        options: of the embedding.
        style: the picture whose style is wanted, for the style loss.
        network: `MODEL`, `RANDOM`, or the name of another model in the store.
    """

    picture: Pixels
    options: EmbedOptions
    style: Pixels | None = None
    network: str = MODEL

    def key(self, network_digest: str, features_digest: str) -> str:
        """Identifies everything that the embedding depends on."""
        style = "" if self.style is None else picture_digest(self.style)
        parts = (network_digest, features_digest, picture_digest(self.picture), self.options.digest(), style)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Embedded:
    """A finished task: the latent with its record, and G(w*) as uint8 [H, W, 3]."""

    latent: Latent
    picture: Pixels

    @property
    def w_plus(self) -> WPlus:
        """float32 [L, D]."""
        return self.latent.w_plus

    @property
    def loss(self) -> float:
        """Eq. 1 at the end."""
        return self.latent.losses["total"]
