"""The state of a run, and what every kind of step does with it.

Everything is masked arithmetic, in place, on tensors with one row an image: no image's fate touches another's, no value
has to be fetched from the device, and no tensor changes its address, so that a step can be captured and replayed.
"""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from i2s_trt.embedding.options import EmbedOptions

RUNNING, FINISHED, PLATEAU, DIVERGED = range(4)
STATUS_NAMES = {RUNNING: "interrupted", FINISHED: "finished", PLATEAU: "finished", DIVERGED: "diverged"}


@dataclass
class EmbedState:
    """What a run changes; row n belongs to image n.

    Attributes:
        variable: [N, ...] float32, the point in the chosen space.
        first_moment, second_moment: [N, ...], Adam's m and v.
        last_finite: [N, ...], the latest variable whose loss and gradient were finite.
        step: [N] int64, steps done.
        status: [N] int64: RUNNING, FINISHED, PLATEAU or DIVERGED.
        best, best_step: [N], the lowest loss so far for the plateau test, and when.
        history: [N, steps, T] float32, loss terms before each step.
    """

    variable: Tensor
    first_moment: Tensor
    second_moment: Tensor
    last_finite: Tensor
    step: Tensor
    status: Tensor
    best: Tensor
    best_step: Tensor
    history: Tensor

    @classmethod
    def start(cls, variable: Tensor, options: EmbedOptions) -> Self:
        """The state before the first step, from variables [N, ...]."""
        count, device = len(variable), variable.device
        zeros = torch.zeros(count, dtype=torch.int64, device=device)
        terms = len(options.terms)
        return cls(
            variable=variable.clone(),
            first_moment=torch.zeros_like(variable),
            second_moment=torch.zeros_like(variable),
            last_finite=variable.clone(),
            step=zeros.clone(),
            status=torch.full_like(zeros, FINISHED if options.steps == 0 else RUNNING),
            best=torch.full((count,), torch.inf, device=device),
            best_step=zeros.clone(),
            history=torch.full((count, options.steps, terms), torch.nan, device=device),
        )

    def steps_left(self, steps: int) -> int:
        """How many of `steps` the slowest image has left; 0 when all have stopped. Waits for the device."""
        return int(torch.where(self.status == RUNNING, steps - self.step, 0).max())

    @property
    def answer(self) -> Tensor:
        """The point [N, ...] that the run has found so far."""
        return self.variable

    @classmethod
    def stack(cls, states: list[Self]) -> Self:
        """Join the states of several images into one, of their kind."""
        kind = type(states[0])
        return kind(**{f.name: torch.cat([getattr(state, f.name) for state in states]) for f in fields(kind)})

    def select(self, index: int) -> Self:
        """A copy of one image's state, on the CPU."""
        rows = slice(index, index + 1)
        return type(self)(**{f.name: getattr(self, f.name)[rows].detach().cpu().clone() for f in fields(self)})

    def take(self, other: Self) -> None:
        """Hold another state's values, at the addresses that the tensors have."""
        for f in fields(self):
            getattr(self, f.name).copy_(getattr(other, f.name))

    def to(self, device: torch.device) -> Self:
        """A copy of the state on a device."""
        return type(self)(**{f.name: getattr(self, f.name).to(device, copy=True) for f in fields(self)})


def record(state: EmbedState, losses: Tensor, running: Tensor, steps: int) -> None:
    """Keep the loss terms [N, T] of the images that run, each in the row of its step."""
    image = torch.arange(len(losses), device=losses.device)
    place = state.step.clamp(max=steps - 1)
    state.history[image, place] = torch.where(running.unsqueeze(1), losses, state.history[image, place])


def settle(state: EmbedState, total: Tensor, moving: Tensor, failed: Tensor, options: EmbedOptions) -> None:
    """Note progress, and who has finished, stands still or has failed."""
    improved = moving & (total < state.best * (1 - options.plateau_tolerance))
    replace_rows(state.best, improved, total)
    replace_rows(state.best_step, improved, state.step)
    if options.plateau_steps:
        flat = moving & (state.step - state.best_step >= options.plateau_steps)
        state.status.masked_fill_(flat, PLATEAU)
    state.status.masked_fill_(moving & (state.step >= options.steps), FINISHED)
    state.status.masked_fill_(failed, DIVERGED)


def replace_rows(old: Tensor, where: Tensor, new: Tensor) -> None:
    """Write the rows of `new` for which `where` [N] holds into `old` [N, ...]."""
    old.copy_(torch.where(rows(where, old), new, old))


def rows(values: Tensor, like: Tensor) -> Tensor:
    """[N] shaped to broadcast over [N, ...]."""
    return values.view(-1, *(1,) * (like.ndim - 1))
