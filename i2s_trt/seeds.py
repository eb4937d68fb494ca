"""Samples by seed: the same numbers as the original's scripts, so that known seeds show known pictures."""

import numpy as np
import torch

from i2s_trt.arrays import Array, WPlus
from i2s_trt.models.generator import Generator


def z_from_seed(seed: int, z_dim: int) -> Array:
    """float32 [Z] standard normal, drawn with NumPy's RandomState as the original implementation does."""
    return np.random.RandomState(seed).randn(z_dim).astype(np.float32)


@torch.no_grad()
def w_plus_from_seed(generator: Generator, seed: int, psi: float | None = None) -> WPlus:
    """w_plus float32 [L, D] of a seed, truncated; psi None takes the model's own default."""
    spec = generator.spec
    z = torch.from_numpy(z_from_seed(seed, spec.z_dim)).unsqueeze(0).to(generator.mean_w.device)
    psi = spec.truncation_psi if psi is None else psi
    return generator.truncate(generator.mapping(z), psi, spec.truncation_cutoff)[0].cpu().numpy()
