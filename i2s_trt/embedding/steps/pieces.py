"""All images of a run, evaluated in pieces that fit the memory."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from i2s_trt.embedding.loss.gradient import Announce, Gradient
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.steps.state import RUNNING, EmbedState
from i2s_trt.errors import EnvironmentFault
from i2s_trt.memory import capturing, give_back_memory, memory_ran_out

Noise = Callable[[Tensor, Sequence[int]], list[Tensor] | None]


class Batch:
    """Losses and gradients of several images, each of which depends on itself alone.

    Args:
        gradient: evaluates a piece.
        targets, styles: [N, 3, H, W] in [-1, 1].
        noise: given the steps [n] of some images and their numbers, their noise maps.
        size: images of a piece at first. When memory runs out the pieces are halved, with one announcement.
        announce: called when that happens.
    """

    def __init__(
        self, gradient: Gradient, targets: Tensor, styles: Tensor, noise: Noise, size: int, announce: Announce
    ) -> None:
        self._gradient, self._targets, self._styles, self._noise = gradient, targets, styles, noise
        self._announce, self._announced = announce, False
        self.size = max(1, size)
        self._objectives: dict[range, Objective] = {}

    @property
    def pieces(self) -> list[range]:
        """The images of each piece."""
        count = len(self._targets)
        return [range(i, min(i + self.size, count)) for i in range(0, count, self.size)]

    def __call__(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        """Loss terms [N, T] and the gradient [N, ...] of the totals at the state's variables.

        On the CPU images that have stopped are not computed; their rows are nan and zero. While a CUDA graph is being
        captured nothing is halved: that would capture half a step.

        Raises:
            EnvironmentFault: there is not memory enough for a single image.
            RuntimeError: memory ran out during a capture.
        """
        while True:
            try:
                return self._evaluate(state)
            except (RuntimeError, MemoryError) as error:
                if capturing() or not memory_ran_out(error):
                    raise
                self._halve(error)

    def _evaluate(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        rows: list[tuple[Tensor, Tensor]] = []
        for piece in self.pieces:
            own = slice(piece.start, piece.stop)
            variable = state.variable[own]
            if variable.device.type == "cpu" and not (state.status[own] == RUNNING).any():
                rows.append(self._nothing(variable))
                continue
            noise = self._noise(state.step[own], piece)
            rows.append(self._gradient(variable, self._objective(piece), noise))
        losses, gradients = zip(*rows, strict=True)
        return (losses[0], gradients[0]) if len(rows) == 1 else (torch.cat(losses), torch.cat(gradients))

    def _objective(self, piece: range) -> Objective:
        if piece in self._objectives:
            return self._objectives[piece]
        own = slice(piece.start, piece.stop)
        objective = self._gradient.objective(self._targets[own], self._styles[own])
        if not capturing():
            self._objectives[piece] = objective
        return objective

    def renew(self) -> None:
        """Compare with what `targets` and `styles` hold now, in the objectives that there are."""
        for piece, objective in self._objectives.items():
            own = slice(piece.start, piece.stop)
            self._gradient.renew(objective, self._targets[own], self._styles[own])

    def _nothing(self, variable: Tensor) -> tuple[Tensor, Tensor]:
        terms = len(self._gradient.options.terms)
        return variable.new_full((len(variable), terms), torch.nan), torch.zeros_like(variable)

    def _halve(self, error: BaseException) -> None:
        if self.size == 1:
            raise EnvironmentFault(
                "there is not memory enough to embed one image", "take a smaller model, or --precision bf16"
            ) from error
        whole = min(self.size, len(self._targets))
        self.size = (whole + 1) // 2
        self._objectives.clear()
        give_back_memory()
        if not self._announced:
            self._announce(f"{whole} images at once do not fit the memory: going on with smaller groups")
        self._announced = True
