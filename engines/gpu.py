"""The GPU as its driver describes it, asked without PyTorch or any CUDA library."""

import ctypes
import sys
from typing import Any

_MULTIPROCESSORS, _CAPABILITY_MAJOR, _CAPABILITY_MINOR = 16, 75, 76  # CUdevice_attribute


def driver_fault() -> str:
    """Why CUDA cannot be used here; empty when it can.

    Asks the driver itself: without one, objects of the TensorRT family crash the process when they are touched.
    """
    driver = _load()
    if driver is None:
        return f"there is no CUDA driver ({_library()} cannot be loaded)"
    status = driver.cuInit(0)
    count = ctypes.c_int()
    status = status or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        return f"the CUDA driver does not start (error {status})"
    return "" if count.value else "the CUDA driver finds no GPU"


def describe_gpu() -> str:
    """The first GPU, with all that an engine built on it depends on; empty without one.

    TensorRT compares more than the name: memory, multiprocessors and compute capability too, and MIG slices differ in
    just these.
    """
    if driver_fault():
        return ""
    driver = _load()
    name, memory = ctypes.create_string_buffer(128), ctypes.c_size_t()
    driver.cuDeviceGetName(name, len(name), 0)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), 0)
    processors, major, minor = (
        _attribute(driver, number) for number in (_MULTIPROCESSORS, _CAPABILITY_MAJOR, _CAPABILITY_MINOR)
    )
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return (
        f"{name.value.decode(errors='replace')}, {memory.value / 2**30:.0f} GiB, {processors} multiprocessors, "
        f"compute capability {major}.{minor}, driver of CUDA {cuda}"
    )


def gpu_target() -> str:
    """The first GPU's compute capability as a build target, such as `sm89`; empty without a GPU."""
    if driver_fault():
        return ""
    return "sm" + "".join(str(_attribute(_load(), number)) for number in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR))


def _attribute(driver: Any, number: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), number, 0)
    return value.value


def _library() -> str:
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def _load() -> Any:
    try:
        return ctypes.CDLL(_library())
    except OSError:
        return None
