"""How the steps follow one another: Adam at a constant rate as in the paper, or the fast way."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from i2s_trt.embedding.loss.curvature import metric, model_curvature
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, Space
from i2s_trt.embedding.start.distance import typical_distance
from i2s_trt.embedding.start.noise import OptimisedNoise
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.lbfgs import QuasiNewtonState, advance_quasi_newton
from i2s_trt.embedding.steps.state import RUNNING, EmbedState, replace_rows
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

REACH = 0.3  # of the distance at which a model's samples lie: longer moves lose the face, shorter ones time


@dataclass(frozen=True)
class StepRule:
    """One schedule's two functions.

    Attributes:
        start: variables [N, ...] -> the state before the first step.
        advance: takes one step in place, given the state, its losses [N, T] and its gradient [N, ...].
    """

    start: Callable[[Tensor], EmbedState]
    advance: Callable[[EmbedState, Tensor, Tensor], None]


def step_rule(generator: Generator, vgg: Vgg16, options: EmbedOptions, gradient: Gradient) -> StepRule:
    """The rule that the options ask for. The fast one measures the model's curvature where it is not known yet.

    Raises:
        UsageError: the objective has no curvature to measure.
    """
    if options.schedule == "paper":
        return StepRule(lambda variable: EmbedState.start(variable, options), _paper(options, gradient.noise))
    curvature = model_curvature(generator, vgg, options.objective)
    inverse, longest = metric(curvature, options.space, gradient.prior), reach(generator, options.space)

    def advance_fast(state: EmbedState, losses: Tensor, gradient: Tensor) -> None:
        if not isinstance(state, QuasiNewtonState):
            raise TypeError("this state belongs to the paper's schedule")
        # the CPU's products round differently for every batch size, so there each image is advanced by itself
        whole = [slice(0, len(losses))]
        parts = [slice(i, i + 1) for i in range(len(losses))] if losses.device.type == "cpu" else whole
        for own in parts:
            advance_quasi_newton(state.part(own), losses[own], gradient[own], options, inverse, longest)

    return StepRule(lambda variable: QuasiNewtonState.start(variable, options), advance_fast)


def _paper(options: EmbedOptions, noise: OptimisedNoise | None) -> Callable[[EmbedState, Tensor, Tensor], None]:
    """Adam; noise maps that it moves are white again after each step."""

    def advance_paper(state: EmbedState, losses: Tensor, gradient: Tensor) -> None:
        running = state.status == RUNNING
        advance(state, losses, gradient, options)
        if noise is not None:
            replace_rows(state.variable, running, noise.whiten(state.variable))

    return advance_paper


def reach(generator: Generator, space: Space) -> float:
    """Length of the longest move in a space, as a share of the typical distance of samples from the mean."""
    if space == "z":
        return REACH * math.sqrt(generator.z_dim)
    typical = REACH * typical_distance(generator)
    return typical if space == "w+" else typical / math.sqrt(generator.num_layers)
