"""A pull towards the model's own samples, for latents that are to be edited.

Eq. 1 says nothing about directions of W+ that hardly show in the picture, and optimisers let them go anywhere. Edits
add differences of latents, and there the stray parts show. The prior charges for them.
"""

import numpy as np
import torch
from torch import Tensor

from i2s_trt.models.generator import Generator

_SAMPLES = 10_000


class Prior:
    """What a latent's distance from the model's samples adds to the loss.

    A latent w_plus is charged (w - w-bar)^T P (w - w-bar) for each of its L rows, P = (S + s I)^-1, S being the
    covariance of the model's w and s its mean variance: directions in which samples differ are cheap, others dear. It
    does not depend on the scale of w.

    Args:
        generator: on the device to use.
        weight: of the charge in the loss.

    Attributes:
        weight: as given.
        precision: P [D, D] float32.
    """

    def __init__(self, generator: Generator, weight: float) -> None:
        self.weight = weight
        self.precision = _precision(generator)
        self._mean = generator.mean_w

    def __call__(self, w_plus: Tensor) -> Tensor:
        """The charge [N] float32 of latents [N, L, D], unweighted."""
        offset = w_plus - self._mean  # [N, L, D]
        return (offset @ self.precision * offset).sum(dim=(1, 2))

    def added(self, losses: Tensor, w_plus: Tensor) -> Tensor:
        """Terms [N, T] of the pictures of latents [N, L, D], the total first -> [N, T + 1], the charge last."""
        charge = self(w_plus)
        total = losses[:, 0] + self.weight * charge
        return torch.cat([total.unsqueeze(1), losses[:, 1:], charge.unsqueeze(1)], dim=1)


@torch.no_grad()
def _precision(generator: Generator) -> Tensor:
    random = np.random.default_rng(0)
    z = torch.from_numpy(random.standard_normal((_SAMPLES, generator.z_dim), dtype=np.float32))
    w = generator.mapping(z.to(generator.mean_w.device)).double()
    offset = w - w.mean(dim=0)  # [_SAMPLES, D]
    covariance = offset.T @ offset / _SAMPLES  # [D, D]
    identity = torch.eye(len(covariance), dtype=w.dtype, device=w.device)
    root = torch.linalg.cholesky(covariance + covariance.diagonal().mean() * identity)
    return torch.cholesky_inverse(root).float()
