"""Eq. 1 with a memory: a frame may not stray from the one before without need."""

import torch
from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.start.spaces import variable_from_latent
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16


class FrameProblem(EmbedProblem):
    """One frame, started from the frame before.

    Args:
        generator, picture, options, vgg: as for `EmbedProblem`.
        before: w_plus [L, D] of the frame before.
        strength: of the penalty strength ||w - w_before||^2 over all of W+, in units of the loss.
    """

    def __init__(
        self, generator: Generator, picture: Pixels, options: EmbedOptions, vgg: Vgg16, before: WPlus, strength: float
    ) -> None:
        super().__init__(generator, [picture], options, vgg, initial=before)
        variable = variable_from_latent(before, options.space).to(self.device)
        self._before = variable.unsqueeze(0)
        self._strength = strength * generator.num_layers / len(variable)  # in W one row stands for all

    def losses_and_gradient(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        """As `EmbedProblem` has it, with the penalty in the total and in the gradient."""
        losses, gradient = super().losses_and_gradient(state)
        moved = state.variable.detach() - self._before
        penalty = torch.zeros_like(losses)
        penalty[:, 0] = self._strength * moved.square().flatten(1).sum(dim=1)
        return losses + penalty, gradient + 2 * self._strength * moved
