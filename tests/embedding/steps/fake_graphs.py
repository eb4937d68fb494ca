"""A stand-in for CUDA's graphs on a machine without a GPU: what is recorded is not executed, and leaves no trace."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from i2s_trt.embedding.steps.state import EmbedState


class FakeGraphs:
    """Takes the place of the functions of `torch.cuda` that recordings and memory need.

    Args:
        patch: puts the real ones back after the test.
        state: what the step that is recorded would change.

    Attributes:
        log: `record`, `reset` and `give back`, in the order in which they happened.
    """

    def __init__(self, patch: pytest.MonkeyPatch, state: EmbedState) -> None:
        self.log: list[str] = []
        self._state, self._recording = state, False
        stream = SimpleNamespace(device=torch.device("cuda"), wait_stream=lambda _: None)
        for name, value in {
            "is_available": lambda: True,
            "is_current_stream_capturing": lambda: self._recording,
            "empty_cache": self._give_back,
            "Stream": lambda _: stream,
            "current_stream": lambda _: stream,
            "stream": lambda _: nullcontext(),
            "CUDAGraph": lambda: SimpleNamespace(reset=lambda: self.log.append("reset")),
            "graph": self._record,
        }.items():
            patch.setattr(torch.cuda, name, value)

    @contextmanager
    def _record(self, _graph: Any, **_: Any) -> Iterator[None]:
        self.log.append("record")
        before = self._state.to(torch.device("cpu"))
        self._recording = True
        try:
            yield
        finally:
            self._recording = False
            for field in fields(before):
                getattr(self._state, field.name).copy_(getattr(before, field.name))

    def _give_back(self) -> None:
        if self._recording:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self.log.append("give back")
