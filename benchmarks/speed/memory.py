"""Peak memory of this process, or of what it keeps on the GPU."""

import resource
import sys
from pathlib import Path

_MIB = 2**20


def peak_memory(device: str) -> float:
    """MiB at the peak so far: resident memory of the whole process, or on a GPU what PyTorch allocated there."""
    return _gpu_peak() if device.startswith("cuda") else resident_peak()


def _gpu_peak() -> float:
    import torch

    return torch.cuda.max_memory_allocated() / _MIB


def resident_peak() -> float:
    """MiB of this process at its peak.

    `ru_maxrss` of a fresh process starts at its parent's, so where /proc tells the program's own peak that is taken.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB
