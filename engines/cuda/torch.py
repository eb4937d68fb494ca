"""A GPU that PyTorch drives: its allocator, its streams, its CUDA graphs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from engines.cuda.buffers import Buffer, Event, Shape, Work
from i2s_trt.arrays import Array


@dataclass(frozen=True)
class TorchBuffer:
    """One tensor on the device, one in pinned memory."""

    device: torch.Tensor
    pinned: torch.Tensor

    @property
    def address(self) -> int:
        """Address of the device memory."""
        return self.device.data_ptr()

    @property
    def host(self) -> Array:
        """The pinned memory as an array."""
        return self.pinned.numpy()


class TorchBuffers:
    """A GPU by number. TensorRT on the default stream would synchronise the device, so both streams are new."""

    def __init__(self, number: int = 0) -> None:
        self.name, self.number = "torch", number
        self._device = torch.device("cuda", number)
        self._compute = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._copy = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._reserved: list[torch.Tensor] = []

    @contextmanager
    def current(self) -> Iterator[None]:
        """Meanwhile let every CUDA library that this thread calls work on this GPU."""
        with torch.cuda.device(self._device):
            yield

    def allocate(self, shape: Shape, dtype: np.dtype[Any]) -> TorchBuffer:
        """Memory for one tensor, on both sides."""
        kind = torch.from_numpy(np.empty(0, dtype)).dtype
        return TorchBuffer(self._empty(shape, kind), torch.empty(shape, dtype=kind, pin_memory=True))

    def reserve(self, size: int) -> int:
        """The address of `size` bytes of device memory."""
        self._reserved.append(self._empty((size,), torch.uint8))
        return self._reserved[-1].data_ptr()

    def upload(self, buffers: Sequence[Buffer]) -> Event:
        """Copy host to device on the copying stream."""
        with torch.cuda.stream(self._copy):
            for buffer in cast(Sequence[TorchBuffer], buffers):
                buffer.device.copy_(buffer.pinned, non_blocking=True)
        return self._copy.record_event()

    def launch(self, work: Work, after: Event) -> Event:
        """Run `work` on the computing stream once `after` has passed."""
        self._compute.wait_event(after)
        with torch.cuda.stream(self._compute):
            work(self._compute.cuda_stream)
        return self._compute.record_event()

    def download(self, buffers: Sequence[Buffer], after: Event) -> Event:
        """Copy device to host on the copying stream once `after` has passed."""
        self._copy.wait_event(after)
        with torch.cuda.stream(self._copy):
            for buffer in cast(Sequence[TorchBuffer], buffers):
                buffer.pinned.copy_(buffer.device, non_blocking=True)
        return self._copy.record_event()

    def wait(self, event: Event) -> None:
        """Hold the calling thread until `event` has passed."""
        event.synchronize()

    def capture(self, work: Work) -> Work:
        """`work` as a CUDA graph. Other threads may allocate meanwhile."""
        graph = torch.cuda.CUDAGraph()
        # a capture that fails leaves its stream current: the outer block puts the caller's back
        with (
            torch.cuda.stream(self._compute),
            torch.cuda.graph(graph, stream=self._compute, capture_error_mode="thread_local"),
        ):
            work(self._compute.cuda_stream)

        def replay(_stream: int) -> None:
            graph.replay()

        return replay

    def _empty(self, shape: Shape, kind: torch.dtype) -> torch.Tensor:
        """Memory that PyTorch gives to nobody else before both streams are done with it."""
        with torch.cuda.stream(self._compute):
            tensor = torch.empty(shape, dtype=kind, device=self._device)
        tensor.record_stream(self._copy)
        return tensor
