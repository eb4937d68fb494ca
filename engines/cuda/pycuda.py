"""A GPU that pycuda drives, for processes without PyTorch, or with a PyTorch that has no CUDA.

It works in the device's primary context, which TensorRT and every other CUDA library of the process share; a context of
its own (`pycuda.autoinit`) would not see their memory. The context is entered for each call and left again, so that
any thread may call.
"""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.cuda.buffers import Buffer, Event, Shape, Work
from i2s_trt.arrays import Array
from i2s_trt.errors import EnvironmentFault


@dataclass(frozen=True)
class PycudaBuffer:
    """One allocation on the device, one page-locked array."""

    device: Any
    pinned: Array

    @property
    def address(self) -> int:
        """Address of the device memory."""
        return int(self.device)

    @property
    def host(self) -> Array:
        """The pinned memory as an array."""
        return self.pinned


class PycudaBuffers:
    """A GPU.

    Args:
        number: as CUDA counts.
        cuda: the module `pycuda.driver`; imported when left out.

    Raises:
        EnvironmentFault: pycuda is not installed, or finds no GPU.
    """

    def __init__(self, number: int = 0, cuda: Any = None) -> None:
        self.name, self.number = "pycuda", number
        self._cuda = cuda or _import_pycuda()
        try:
            self._cuda.init()
            self._context = self._cuda.Device(number).retain_primary_context()
        except self._cuda.Error as error:
            raise EnvironmentFault(f"pycuda cannot use the GPU: {error}", "check the driver with nvidia-smi") from error
        with self.current():
            self._compute, self._copy = self._cuda.Stream(), self._cuda.Stream()
        self._reserved: list[Any] = []

    @contextmanager
    def current(self) -> Iterator[None]:
        """Meanwhile let every CUDA library that this thread calls work on this GPU."""
        self._context.push()
        try:
            yield
        finally:
            self._cuda.Context.pop()

    def allocate(self, shape: Shape, dtype: np.dtype[Any]) -> PycudaBuffer:
        """Memory for one tensor, on both sides."""
        with self.current():
            pinned = self._cuda.pagelocked_empty(shape, dtype)
            return PycudaBuffer(self._cuda.mem_alloc(pinned.nbytes), pinned)

    def reserve(self, size: int) -> int:
        """The address of `size` bytes of device memory."""
        with self.current():
            self._reserved.append(self._cuda.mem_alloc(size))
        return int(self._reserved[-1])

    def upload(self, buffers: Sequence[Buffer]) -> Event:
        """Copy host to device on the copying stream."""
        with self.current():
            for buffer in buffers:
                self._cuda.memcpy_htod_async(buffer.address, buffer.host, self._copy)
            return self._record(self._copy)

    def launch(self, work: Work, after: Event) -> Event:
        """Run `work` on the computing stream once `after` has passed."""
        with self.current():
            self._compute.wait_for_event(after)
            work(self._compute.handle)
            return self._record(self._compute)

    def download(self, buffers: Sequence[Buffer], after: Event) -> Event:
        """Copy device to host on the copying stream once `after` has passed."""
        with self.current():
            self._copy.wait_for_event(after)
            for buffer in buffers:
                self._cuda.memcpy_dtoh_async(buffer.host, buffer.address, self._copy)
            return self._record(self._copy)

    def wait(self, event: Event) -> None:
        """Hold the calling thread until `event` has passed."""
        with self.current():
            event.synchronize()

    def capture(self, work: Work) -> Work:
        """`work` as a CUDA graph, through cuda-python: pycuda has none."""
        from engines.cuda.graph import capture

        with self.current():
            return capture(work, self._compute.handle)

    def _record(self, stream: Any) -> Event:
        event = self._cuda.Event(self._cuda.event_flags.DISABLE_TIMING)
        event.record(stream)
        return event


def _import_pycuda() -> Any:
    try:
        return importlib.import_module("pycuda.driver")
    except ImportError as error:
        raise EnvironmentFault(
            "this GPU can be driven by PyTorch with CUDA or by pycuda, and neither is here",
            "pip install 'i2s-trt[gpu]', or a PyTorch that is built for CUDA",
        ) from error
