"""How thoroughly the studies are run."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from i2s_trt.embedding.options import PAPER_STEPS, EmbedOptions, ObjectiveOptions

QUICK_STEPS = 120
_QUICK_PERCEPTUAL_SIZE = 64
_QUICK_RATE = 0.05  # of a coordinate's share of the model's typical |w - w-bar|
_QUICK_THRESHOLD = 0.25  # of that length


@dataclass(frozen=True)
class Settings:
    """The same for all studies of a run.

    Attributes:
        steps: of each embedding.
        learning_rate: of Adam.
        threshold: of expression transfer (section 4.3).
        perceptual_size: at which VGG looks.
        faces: that are transformed, damaged and moved.
        per_class: pictures of each class that start from random latents too.
        seed: of all randomness.
    """

    steps: int = PAPER_STEPS
    learning_rate: float = 0.01
    threshold: float = 1.0
    perceptual_size: int = 256
    faces: int = 5
    per_class: int = 5
    seed: int = 0

    @property
    def options(self) -> EmbedOptions:
        """Options of the standard embedding: Eq. 1 in W+ from the mean latent."""
        objective = ObjectiveOptions(perceptual_size=self.perceptual_size)
        return EmbedOptions(
            steps=self.steps, learning_rate=self.learning_rate, seed=self.seed, objective=objective
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, for keys and the report."""
        return asdict(self)


def quick_settings(length: float, w_dim: int) -> Settings:
    """Few steps, VGG looking at 64 pixels, fewer pictures; rate and threshold after the model's own scale of w.

    Args:
        length: typical |w - w-bar| of the model's samples.
        w_dim: D.
    """
    return Settings(
        steps=QUICK_STEPS,
        learning_rate=float(f"{_QUICK_RATE * length / math.sqrt(w_dim):.3g}"),
        threshold=float(f"{_QUICK_THRESHOLD * length:.3g}"),
        perceptual_size=_QUICK_PERCEPTUAL_SIZE,
        faces=2,
        per_class=2,
    )
