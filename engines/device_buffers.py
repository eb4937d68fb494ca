"""What the TensorRT runtime needs of a GPU, whoever drives it: memory, copies, two streams, graphs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from engines.gpu import driver_fault
from i2s_trt.arrays import Array
from i2s_trt.errors import EnvironmentFault

Shape = tuple[int, ...]
Mark = Any  # an event of the library that drives the GPU
Work = Callable[[int], None]  # enqueues on the stream of this handle
_NO_GPU = "run it on a machine with an NVIDIA GPU, or take --engine onnxruntime"


class Buffer(Protocol):
    """Device memory, with pinned host memory of the same size beside it."""

    @property
    def address(self) -> int:
        """Of the device memory."""
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

    def upload(self, buffers: Sequence[Buffer]) -> Mark:
        """Copy host to device on the copying stream."""
        ...

    def launch(self, work: Work, after: Mark) -> Mark:
        """Run `work` on the computing stream once `after` has passed."""
        ...

    def download(self, buffers: Sequence[Buffer], after: Mark) -> Mark:
        """Copy device to host on the copying stream once `after` has passed."""
        ...

    def wait(self, mark: Mark) -> None:
        """Hold the calling thread until `mark` has passed."""
        ...

    def capture(self, work: Work) -> Work:
        """`work` as a CUDA graph, which `launch` takes in its place. Raises whatever the driving library raises."""
        ...


def open_device(number: int = 0) -> DeviceBuffers:
    """A GPU, driven by PyTorch if that has CUDA, else by pycuda.

    Raises:
        EnvironmentFault: no driver, no GPU, or nothing to drive it with.
    """
    fault = driver_fault(number)
    if fault:
        raise EnvironmentFault(f"TensorRT engines run on NVIDIA GPUs: {fault}", _NO_GPU)
    if torch_has_cuda():
        from engines.torch_buffers import TorchBuffers

        return TorchBuffers(number)
    from engines.pycuda_buffers import PycudaBuffers

    return PycudaBuffers(number)


def torch_has_cuda() -> bool:
    """Whether PyTorch is here and finds a GPU."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
