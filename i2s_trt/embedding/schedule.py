"""How the steps follow one another: Adam at a constant rate as in the paper, or the fast way."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from i2s_trt.embedding.curvature import metric, model_curvature
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.quasi_newton import QuasiNewtonState, advance_quasi_newton
from i2s_trt.embedding.step import EmbedState, advance
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16


@dataclass(frozen=True)
class StepRule:
    """One schedule's two functions.

    Attributes:
        start: variables [N, ...] -> the state before the first step.
        advance: takes one step in place, given the state, its losses [N, T] and its gradient [N, ...].
    """

    start: Callable[[Tensor], EmbedState]
    advance: Callable[[EmbedState, Tensor, Tensor], None]


def step_rule(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> StepRule:
    """The rule that the options ask for. The fast one measures the model's curvature where it is not known yet.

    Raises:
        UsageError: the objective has no curvature to measure.
    """
    if options.schedule == "paper":
        return StepRule(
            lambda variable: EmbedState.start(variable, options),
            lambda state, losses, gradient: advance(state, losses, gradient, options),
        )
    curvature = model_curvature(generator, vgg, options.objective)
    inverse = metric(curvature, options.space)

    def advance_fast(state: EmbedState, losses: Tensor, gradient: Tensor) -> None:
        if not isinstance(state, QuasiNewtonState):
            raise TypeError("this state belongs to the paper's schedule")
        # the CPU's products round differently for every batch size, so there each image is advanced by itself
        whole = [slice(0, len(losses))]
        parts = [slice(i, i + 1) for i in range(len(losses))] if losses.device.type == "cpu" else whole
        for own in parts:
            advance_quasi_newton(state.part(own), losses[own], gradient[own], options, inverse)

    return StepRule(lambda variable: QuasiNewtonState.start(variable, options), advance_fast)
