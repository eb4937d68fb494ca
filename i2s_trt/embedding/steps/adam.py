"""One step of Algorithm 1: Adam."""

from torch import Tensor

from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.steps.state import RUNNING, EmbedState, record, replace_rows, rows, settle


def advance(state: EmbedState, losses: Tensor, gradient: Tensor, options: EmbedOptions) -> None:
    """Take one step in place: record the losses, move every running image, and settle who stops.

    Args:
        state: is changed.
        losses: [N, T] at `state.variable`, the total first.
        gradient: [N, ...] of the totals.
        options: Adam's constants and the stopping rules.
    """
    running = state.status == RUNNING
    total = losses[:, 0]
    finite = total.isfinite() & gradient.flatten(1).isfinite().all(dim=1)
    moving = running & finite
    record(state, losses, running, options.steps)
    _move(state, gradient, moving, options)
    failed = running & ~finite
    replace_rows(state.variable, failed, state.last_finite)
    state.step += moving
    settle(state, total, moving, failed, options)


def _move(state: EmbedState, gradient: Tensor, moving: Tensor, options: EmbedOptions) -> None:
    """Adam (Kingma & Ba 2015, algorithm 1) for the images that move; the others keep all they have."""
    b1, b2 = options.beta1, options.beta2
    t = (state.step + 1).double()
    correction1 = rows(1 - b1**t, gradient).to(gradient.dtype)
    correction2 = rows(1 - b2**t, gradient).to(gradient.dtype)
    m = b1 * state.first_moment + (1 - b1) * gradient
    v = b2 * state.second_moment + (1 - b2) * gradient.square()
    moved = state.variable - options.learning_rate * (m / correction1) / ((v / correction2).sqrt() + options.epsilon)
    replace_rows(state.last_finite, moving, state.variable)
    replace_rows(state.variable, moving, moved)
    replace_rows(state.first_moment, moving, m)
    replace_rows(state.second_moment, moving, v)
