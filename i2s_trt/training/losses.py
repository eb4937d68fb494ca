"""What training of the face generator minimises: pixels, edges and coarse colour, eyes and mouth counting more."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EYES_WEIGHT, MOUTH_WEIGHT = 4.0, 5.0


def region_weights(size: int, eyes: float = EYES_WEIGHT, mouth: float = MOUTH_WEIGHT) -> Tensor:
    """Weights [1, 1, size, size]: features that edits move are small, and L1 alone would neglect them."""
    axis = (torch.arange(size) + 0.5) / size * 2.0 - 1.0
    y, x = axis.view(-1, 1), axis.view(1, -1)
    weights = torch.ones(size, size)
    weights[(y > -0.36) & (y < 0.12) & (x.abs() < 0.52)] = eyes
    weights[(y > 0.22) & (y < 0.66) & (x.abs() < 0.42)] = mouth
    return weights.view(1, 1, size, size)


def portrait_loss(images: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 of pixels + 0.5 L1 of gradients + 0.5 L1 of 2x2 and 4x4 means; all [N, 3, R, R] in [-1, 1]."""
    total = weights.mean()
    loss = ((images - targets).abs() * weights).mean() / total
    error = images - targets
    across = (error[..., :, 1:] - error[..., :, :-1]).abs() * weights[..., :, 1:]
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * weights[..., 1:, :]
    loss = loss + 0.5 * (across.mean() + down.mean()) / total
    for window in (2, 4):
        loss = loss + 0.5 * F.avg_pool2d(error, window).abs().mean()
    return loss


def pair_loss(images: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 between the change that an expression makes in `images` and the one it makes in `targets`.

    Rows 2i and 2i + 1 of both, [2N, 3, R, R], are one face with two expressions. What is wrong with the face in both
    cancels: this sees the edit alone.
    """
    error = images - targets
    return ((error[0::2] - error[1::2]).abs() * weights).mean() / weights.mean()
