"""Which implementation of the layer epilogue suits a device."""

from importlib.util import find_spec

import torch

from i2s_trt.fused.cpu import Native
from i2s_trt.fused.epilogue import Epilogue, Formula


def choose_epilogue(device: torch.device, compiled: bool) -> Epilogue:
    """Hand-written kernels suit a GPU; the compiler, where it is used, fuses the formulas by itself."""
    if not compiled and device.type == "cuda" and find_spec("triton"):
        from i2s_trt.fused.gpu import TritonEpilogue

        return TritonEpilogue()
    return Formula() if compiled else choose_plain_epilogue(device)


def choose_plain_epilogue(device: torch.device) -> Epilogue:
    """What needs no compiler: PyTorch's own functions."""
    return Native() if device.type == "cpu" else Formula()


def needs_a_compiler(epilogue: Epilogue, compiled: bool) -> bool:
    """Whether it is built when it first runs, which fails on machines without a compiler."""
    return compiled or not isinstance(epilogue, Formula | Native)
