"""One step of the fast schedule: L-BFGS (Nocedal & Wright 2006, section 7.2) in the metric of a model's curvature.

Like Adam's, a step is one evaluation of the objective and then masked arithmetic in place: no image's fate touches
another's, no value is fetched from the device, and no tensor changes its address. So a trial point that is refused
costs a step, and the line search needs no loop.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from i2s_trt.arithmetic import Precision
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.steps.state import DIVERGED, PLATEAU, RUNNING, EmbedState, record, replace_rows, rows, settle

MEMORY = 100  # pairs: on portraits 100 reach in 120 steps what 20 reach in 200, and they are a hundredth of the memory
_ARMIJO = 1e-4
# Losses in fewer bits jitter by such a share from point to point: around an embedded astronaut, with trained features,
# by a deviation of 2.5e-3 to 3.5e-3 in bf16 and 3e-4 in fp16. A search that takes the jitter for an ascent refuses good
# points until it gives up: in bf16 after 144 steps, with a loss 30 % higher than 400 steps reach.
_JITTER: Mapping[Precision, float] = {"fp32": 0.0, "tf32": 1e-3, "fp16": 1e-3, "bf16": 3e-3}
_CURVED = 1e-8  # cosine between step and change of gradient from which a pair is worth keeping
_SHORTEST = 1e-6  # of a line search, in parts of the first trial


@dataclass
class QuasiNewtonState(EmbedState):
    """What a run of the fast schedule changes; `variable` is the trial point that is evaluated next.

    Attributes:
        point, point_loss, point_gradient: [N, ...], [N], [N, ...], the latest point that was good enough, which is the
            run's answer.
        direction, slope, length: [N, ...], [N], [N], of the line that is searched.
        moves, changes: [N, M, P], the latest differences of points and of their gradients, oldest first; zeros at
            the front where there are fewer.
    """

    point: Tensor
    point_loss: Tensor
    point_gradient: Tensor
    direction: Tensor
    slope: Tensor
    length: Tensor
    moves: Tensor
    changes: Tensor

    @classmethod
    def start(cls, variable: Tensor, options: EmbedOptions) -> Self:
        """The state before the first step, from variables [N, ...]."""
        base = vars(EmbedState.start(variable, options))
        count, size = len(variable), variable[0].numel()
        pairs = variable.new_zeros(count, max(1, min(MEMORY, options.steps)), size)
        unused = {name: variable.new_zeros(count, 0) for name in ("first_moment", "second_moment")}
        return cls(
            **base | unused,
            point=variable.clone(),
            point_loss=variable.new_full((count,), torch.inf),
            point_gradient=torch.zeros_like(variable),
            direction=torch.zeros_like(variable),
            slope=variable.new_zeros(count),
            length=variable.new_ones(count),
            moves=pairs,
            changes=pairs.clone(),
        )

    def part(self, images: slice) -> Self:
        """The state of some images, on the same memory: what changes in it changes here."""
        return type(self)(**{f.name: getattr(self, f.name)[images] for f in fields(self)})

    @property
    def answer(self) -> Tensor:
        """The latest good point [N, ...]."""
        return self.point


def advance_quasi_newton(
    state: QuasiNewtonState,
    losses: Tensor,
    gradient: Tensor,
    options: EmbedOptions,
    metric: Tensor | None,
    reach: float = math.inf,
) -> None:
    """Take one step in place: judge the trial point, and choose the next.

    Args:
        state: is changed.
        losses: [N, T] at `state.variable`, the total first.
        gradient: [N, ...] of the totals.
        options: the stopping rules.
        metric: [L, D, D] inverse curvature, one block a row of the variable; None takes the identity.
        reach: length of the longest move. Far away the curvature is another, and a long first move can land where no
            face is.
    """
    running = state.status == RUNNING
    total = losses[:, 0]
    finite = total.isfinite() & gradient.flatten(1).isfinite().all(dim=1)
    record(state, losses, running, options.steps)
    allowed = state.point_loss * (1 + _JITTER[options.precision]) + _ARMIJO * state.length * state.slope
    accepted = running & finite & (total <= allowed)
    refused = running & ~accepted
    _remember(state, gradient, accepted)
    replace_rows(state.point, accepted, state.variable)
    replace_rows(state.point_loss, accepted, total)
    replace_rows(state.point_gradient, accepted, gradient)
    replace_rows(state.length, refused, state.length * _shortening(state, total))
    spent = refused & (state.length < _SHORTEST)
    fresh = ~state.point_loss.isfinite()  # not even the first point is any good
    _aim(state, accepted, metric, reach)
    replace_rows(state.variable, running, state.point + rows(state.length, state.point) * state.direction)
    replace_rows(state.last_finite, running, state.point)
    state.step += running & ~fresh
    settle(state, total, running & ~fresh, fresh & running, options)
    state.status.masked_fill_(spent & (state.status == RUNNING), PLATEAU)
    state.status.masked_fill_(fresh & running, DIVERGED)


def _shortening(state: QuasiNewtonState, total: Tensor) -> Tensor:
    """The share of a refused length to try next: the minimum of the parabola through what is known, within bounds."""
    fall = state.length * state.slope
    share = -fall / (2 * (total - state.point_loss - fall))
    return share.nan_to_num(nan=0.1, posinf=0.1, neginf=0.1).clamp(0.1, 0.5)


def _remember(state: QuasiNewtonState, gradient: Tensor, accepted: Tensor) -> None:
    """Add the pair of an accepted step to the memory, if the loss curves upwards along it."""
    move = (state.variable - state.point).flatten(1)  # [N, P]
    change = (gradient - state.point_gradient).flatten(1)
    curvature = (move * change).sum(1)
    known = accepted & state.point_loss.isfinite()
    good = known & (curvature > _CURVED * move.norm(dim=1) * change.norm(dim=1))
    for memory, latest in ((state.moves, move), (state.changes, change)):
        replace_rows(memory, good, torch.cat([memory[:, 1:], latest.unsqueeze(1)], dim=1))


def _aim(state: QuasiNewtonState, accepted: Tensor, metric: Tensor | None, reach: float) -> None:
    """A new line to search for every image whose point has moved."""
    direction = -newton_step(state.point_gradient, state.moves, state.changes, metric)
    direction *= rows((reach / direction.flatten(1).norm(dim=1)).clamp(max=1.0), direction)
    slope = (direction * state.point_gradient).flatten(1).sum(1).clamp(max=0.0)
    replace_rows(state.direction, accepted, direction)
    replace_rows(state.slope, accepted, slope)
    replace_rows(state.length, accepted, torch.ones_like(state.length))


def newton_step(gradient: Tensor, moves: Tensor, changes: Tensor, metric: Tensor | None) -> Tensor:
    """The inverse Hessian that the pairs imply, times the gradient.

    The two loops of L-BFGS (algorithm 7.4) are substitutions, forwards and backwards, with the triangular matrix
    R_ij = s_i y_j, i <= j: solved at once instead of pair by pair.

    Args:
        gradient: [N, ...].
        moves, changes: s and y [N, M, P], oldest first; empty ones are zero.
        metric: [L, D, D], the inverse Hessian to start from, up to a factor.

    Returns:
        [N, ...] float32.
    """
    g, s, y = gradient.flatten(1).unsqueeze(2), moves, changes  # [N, P, 1], [N, M, P] twice
    products = (s @ y.transpose(1, 2)).double()  # s_i y_j
    diagonal = products.diagonal(dim1=1, dim2=2)
    empty = diagonal <= 0
    r = products.triu() + torch.diag_embed(empty.double())
    alpha = torch.linalg.solve_triangular(r, (s @ g).double(), upper=True)  # [N, M, 1]
    q = g - y.transpose(1, 2) @ alpha.to(g.dtype)  # [N, P, 1]
    z = _initial(q, s, y, gradient, metric)
    wanted = diagonal.unsqueeze(2) * alpha - (y @ z).double()
    delta: Tensor = torch.linalg.solve_triangular(r.transpose(1, 2), wanted, upper=False)
    newton: Tensor = z + s.transpose(1, 2) @ delta.to(g.dtype)
    return newton.view_as(gradient)


def _initial(q: Tensor, s: Tensor, y: Tensor, gradient: Tensor, metric: Tensor | None) -> Tensor:
    """gamma P q [N, P, 1], gamma from the latest pair (eq. 7.20 in the metric); a careful guess before the first."""
    latest_y, latest_s = y[:, -1], s[:, -1]
    measured = (latest_s * latest_y).sum(1) / (latest_y * _times(metric, latest_y, gradient)).sum(1)
    # Half the metric is the Gauss-Newton step, for the loss is a sum of squares; without one, a step of length 1.
    guess = torch.full_like(measured, 0.5) if metric is not None else 1 / gradient.flatten(1).norm(dim=1)
    gamma = torch.where(latest_s.abs().sum(1) > 0, measured, guess).nan_to_num(nan=0.0, posinf=0.0)
    return (gamma.unsqueeze(1) * _times(metric, q.squeeze(2), gradient)).unsqueeze(2)


def _times(metric: Tensor | None, vector: Tensor, like: Tensor) -> Tensor:
    """The metric times vectors [N, P], block by block."""
    if metric is None:
        return vector
    blocks = vector.view(len(vector), *like.shape[1:])  # [N, L, D]
    return torch.einsum("lij,nlj->nli", metric, blocks).flatten(1)
