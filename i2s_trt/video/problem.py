"""Eq. 1 with a memory: a frame may not stray from the one before without need."""

import hashlib
from typing import Self

import torch
from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.start.spaces import variable_from_latent
from i2s_trt.embedding.steps.state import EmbedState


class FrameProblem(EmbedProblem):
    """One frame, started from the frame before.

    Args:
        embedder: of all frames but the first; this frame's record gets the digest of `before`.
        picture: uint8 [H, W, 3], of the model's picture size.
        before: w_plus [L, D] of the frame before.
        strength: of the penalty strength ||w - w_before||^2 over all of W+, in units of the loss.
    """

    def __init__(self, embedder: Embedder, picture: Pixels, before: WPlus, strength: float) -> None:
        digest = hashlib.sha256(before.tobytes()).hexdigest()
        super().__init__(embedder.starting_at(digest), [picture], initial=before)
        variable = variable_from_latent(before, self.options.space).to(self.device)
        self._before = variable.unsqueeze(0)
        per_row = strength * self.generator.num_layers / len(variable)  # in W one row stands for all
        self._strength = torch.tensor(per_row, device=self.device)

    def losses_and_gradient(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        """`EmbedProblem`'s losses and gradient, with the penalty in the total and in the gradient."""
        losses, gradient = super().losses_and_gradient(state)
        moved = state.variable.detach() - self._before
        penalty = torch.zeros_like(losses)
        penalty[:, 0] = self._strength * moved.square().flatten(1).sum(dim=1)
        return losses + penalty, gradient + 2 * self._strength * moved

    def take_inputs(self, other: Self) -> None:
        """`EmbedProblem`'s inputs, with the frame before and the penalty's strength."""
        super().take_inputs(other)
        self._before.copy_(other._before)
        self._strength.copy_(other._strength)
