"""What the TensorRT runtime needs of a GPU, whoever drives it: memory, copies, two streams, graphs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from i2s_trt.arrays import Array

Shape = tuple[int, ...]
Event = Any  # of the library that drives the GPU
Work = Callable[[int], None]  # enqueues on the stream of this handle


class Buffer(Protocol):
    """Device memory, with pinned host memory of the same size beside it."""

    @property
    def address(self) -> int:
        """Address of the device memory."""
        ...

    @property
    def host(self) -> Array:
        """The pinned memory as an array."""
        ...


class DeviceBuffers(Protocol):
    """A GPU with a stream for computing and one for copying. Every call but `wait` only enqueues.

    Attributes:
        name: of the library that drives it.
        number: of the GPU, as CUDA counts.
    """

    name: str
    number: int

    def current(self) -> AbstractContextManager[None]:
        """Meanwhile let every CUDA library that this thread calls work on this GPU: TensorRT takes the current one."""
        ...

    def allocate(self, shape: Shape, dtype: np.dtype[Any]) -> Buffer:
        """Memory for one tensor, on both sides."""
        ...

    def reserve(self, size: int) -> int:
        """The address of `size` bytes of device memory, aligned to 256, that live as long as this object."""
        ...

    def upload(self, buffers: Sequence[Buffer]) -> Event:
        """Copy host to device on the copying stream."""
        ...

    def launch(self, work: Work, after: Event) -> Event:
        """Run `work` on the computing stream once `after` has passed."""
        ...

    def download(self, buffers: Sequence[Buffer], after: Event) -> Event:
        """Copy device to host on the copying stream once `after` has passed."""
        ...

    def wait(self, event: Event) -> None:
        """Hold the calling thread until `event` has passed."""
        ...

    def capture(self, work: Work) -> Work:
        """`work` as a CUDA graph, which `launch` takes in its place. Raises whatever the driving library raises."""
        ...
