"""Samples by seed: the same numbers as the original's scripts, so that known seeds show known pictures."""

import numpy as np
import torch

from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.spec import GeneratorSpec


def z_from_seed(seed: int, z_dim: int) -> Array:
    """float32 [Z] standard normal, drawn with NumPy's RandomState as the original implementation does."""
    return np.random.RandomState(seed).randn(z_dim).astype(np.float32)


@torch.no_grad()
def w_plus_from_seed(generator: Generator, seed: int, psi: float | None = None, label: int | None = None) -> WPlus:
    """w_plus float32 [L, D] of a seed, truncated.

    Args:
        generator: of the sample.
        seed: of z.
        psi: of the truncation; None takes the model's own default.
        label: class of a conditional model, from 0; None gives no class.

    Raises:
        UsageError: the model has no such class, or none at all.
    """
    spec = generator.spec
    z = torch.from_numpy(z_from_seed(seed, spec.z_dim)).unsqueeze(0).to(generator.mean_w.device)
    psi = spec.truncation_psi if psi is None else psi
    w = generator.mapping(z, one_hot(spec, label, z))
    return generator.truncate(w, psi, spec.truncation_cutoff)[0].cpu().numpy()


def one_hot(spec: GeneratorSpec, label: int | None, like: torch.Tensor) -> torch.Tensor | None:
    """[N, labels] float32, one row for each of `like` [N, ...]; None without a label.

    Raises:
        UsageError: the model has no such class, or none at all.
    """
    if label is None:
        return None
    if not spec.label_size:
        raise UsageError(f"label {label} cannot be given: this model is unconditional", "leave the label out")
    if not 0 <= label < spec.label_size:
        raise UsageError(f"there is no label {label}", f"this model's labels go from 0 to {spec.label_size - 1}")
    row = torch.arange(spec.label_size, device=like.device) == label  # made there: a captured step copies nothing
    return row.to(like.dtype).expand(len(like), -1)
