"""Opens a GPU for the TensorRT runtime, through whichever library is here."""

from engines.cuda.buffers import DeviceBuffers
from engines.cuda.gpu import driver_fault
from i2s_trt.errors import EnvironmentFault

_NO_GPU = "run it on a machine with an NVIDIA GPU, or take --engine onnxruntime"


def open_device(number: int = 0) -> DeviceBuffers:
    """A GPU, driven by PyTorch if that has CUDA, else by pycuda.

    Raises:
        EnvironmentFault: no driver, no GPU, or nothing to drive it with.
    """
    fault = driver_fault(number)
    if fault:
        raise EnvironmentFault(f"TensorRT engines run on NVIDIA GPUs: {fault}", _NO_GPU)
    if torch_has_cuda():
        from engines.cuda.torch import TorchBuffers

        return TorchBuffers(number)
    from engines.cuda.pycuda import PycudaBuffers

    return PycudaBuffers(number)


def torch_has_cuda() -> bool:
    """Whether PyTorch is here and finds a GPU."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
