"""What the distance to the mean latent says: faces lie near it, other things far out (the paper's section 5.1)."""

import numpy as np
import torch

from i2s_trt.models.generator import Generator

PAPER_FACE = 30.67  # Table 2: a face embedded from the mean latent, FFHQ at 1024 pixels
PAPER_OTHERS = (70, 105)  # other classes
_FAR = PAPER_OTHERS[0] / PAPER_FACE
_SAMPLES = 256


@torch.no_grad()
def typical_distance(generator: Generator, seed: int = 0) -> float:
    """How far the model's own samples lie from the mean latent: the median of ||w - w-bar|| over all of W+."""
    random = np.random.default_rng(seed)
    z = torch.from_numpy(random.standard_normal((_SAMPLES, generator.z_dim), dtype=np.float32))
    w_plus = generator.broadcast(generator.mapping(z.to(generator.mean_w.device)))
    return float((w_plus - generator.mean_w).flatten(1).norm(dim=1).median())


def is_far(distance: float, typical: float) -> bool:
    """Whether an embedding lies as far out, for its model, as the paper's non-faces.

    The paper's faces end about 30 from the mean latent and its other classes at 70 to 105, with FFHQ's own scale of w.
    Other models have other scales, so the yardstick is the model's own samples, taken to lie where embedded faces do.
    """
    return distance > _FAR * typical
