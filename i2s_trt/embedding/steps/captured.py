"""A step that is captured once as a CUDA graph and then replayed: one launch instead of hundreds."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from i2s_trt.memory import give_back_memory

Work = Callable[[], Tensor]
Kind = Literal["eager", "captured"]
_EAGER = "the step cannot be captured as a CUDA graph ({}): it runs operation by operation, slower"
_WARM_UP = 3  # libraries choose their kernels and allocate in the first calls, which cannot be captured


class EagerStep:
    """A step that runs operation by operation."""

    kind: Kind = "eager"

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self) -> Tensor:
        """Take one step; returns the loss terms [N, T] before it."""
        return self._work()


class CapturedStep:
    """A step that changes tensors in place and never asks for a value, replayed as one CUDA graph.

    The first calls run as they are, for warm-up, and are steps like any other. If the capture fails, for want of
    memory or else, all others run so too: what was captured has not been executed, so no step is half done.

    Args:
        work: takes one step on tensors whose addresses stay, and returns the loss terms [N, T] before it.
        device: the GPU.
        announce: called once with why it could not be captured.
    """

    kind: Kind = "captured"

    def __init__(self, work: Work, device: torch.device, announce: Callable[[str], None]) -> None:
        self._work, self._announce = work, announce
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._warm_up = _WARM_UP
        self._graph: torch.cuda.CUDAGraph | None = None
        self._losses: Tensor

    def __call__(self) -> Tensor:
        """Take one step; returns the loss terms [N, T] before it, which the next call overwrites."""
        if self._graph is None and self.kind == "captured" and self._warm_up == 0:
            self._capture()
        if self._graph is None:
            self._warm_up = max(0, self._warm_up - 1)
            return self._run()
        self._graph.replay()
        return self._losses

    def _run(self) -> Tensor:
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            losses = self._work()
        current.wait_stream(self._stream)
        return losses

    def _capture(self) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            self._losses = self._capture_losses(graph)
        except (RuntimeError, MemoryError) as error:
            reason = " ".join(str(_first(error)).split())[:200]
        else:
            self._graph = graph
            return
        # here and not above: while the exception lives, so does every tensor of the functions that it came through
        self.kind = "eager"
        graph.reset()
        give_back_memory()
        self._announce(_EAGER.format(reason))

    def _capture_losses(self, graph: torch.cuda.CUDAGraph) -> Tensor:
        # a capture that fails leaves its stream current: the outer block puts the caller's back
        with (
            torch.cuda.stream(self._stream),
            torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"),
        ):
            return self._work()


def _first(error: BaseException) -> BaseException:
    """What went wrong first: a capture broken off fails once more as it ends, with a message that says nothing."""
    while error.__context__ is not None:
        error = error.__context__
    return error


Step = EagerStep | CapturedStep


def stepper(
    work: Work, device: torch.device, capture: bool | None, obstacle: str, announce: Callable[[str], None]
) -> Step:
    """The fastest way to repeat a step.

    Args:
        work: takes one step, in place.
        device: where.
        capture: whether to capture it as a CUDA graph; None wherever that is possible.
        obstacle: why it cannot be captured; empty when it can.
        announce: called with the obstacle where it matters.
    """
    if capture is False or device.type != "cuda":
        return EagerStep(work)
    if obstacle:
        announce(_EAGER.format(obstacle))
        return EagerStep(work)
    return CapturedStep(work, device, announce)
