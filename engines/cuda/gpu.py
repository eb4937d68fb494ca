"""GPUs as their driver describes them, asked without PyTorch or any CUDA library; numbered as CUDA does, from 0."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from i2s_trt.errors import EnvironmentFault

_MULTIPROCESSORS, _CAPABILITY_MAJOR, _CAPABILITY_MINOR = 16, 75, 76  # CUdevice_attribute


def driver_fault(number: int = 0) -> str:
    """Why CUDA cannot be used here, on this GPU; empty when it can.

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
    if number < count.value:
        return ""
    return f"the CUDA driver finds no GPU{f' number {number}, {count.value} in all' if count.value else ''}"


def describe_gpu(number: int = 0) -> str:
    """A GPU, with all that an engine built on it depends on; empty without one.

    TensorRT compares more than the name: memory, multiprocessors and compute capability too, and MIG slices differ in
    just these.
    """
    if driver_fault(number):
        return ""
    driver = _load()
    device, name, memory = _handle(driver, number), ctypes.create_string_buffer(128), ctypes.c_size_t()
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    processors, major, minor = (
        _attribute(driver, what, device) for what in (_MULTIPROCESSORS, _CAPABILITY_MAJOR, _CAPABILITY_MINOR)
    )
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return (
        f"{name.value.decode(errors='replace')}, {memory.value / 2**30:.0f} GiB, {processors} multiprocessors, "
        f"compute capability {major}.{minor}, driver of CUDA {cuda}"
    )


def gpu_target(number: int = 0) -> str:
    """A GPU's compute capability as a build target, such as `sm89`; empty without one."""
    if driver_fault(number):
        return ""
    driver = _load()
    device = _handle(driver, number)
    return "sm" + "".join(str(_attribute(driver, what, device)) for what in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR))


@contextmanager
def current_gpu(number: int) -> Iterator[None]:
    """Meanwhile let every CUDA library that this thread calls work on a GPU, in its primary context.

    Raises:
        EnvironmentFault: the driver does not let it.
    """
    if fault := driver_fault(number):
        raise EnvironmentFault(fault[0].upper() + fault[1:], "i2s-trt doctor says which GPU there is")
    driver, context = _load(), ctypes.c_void_p()
    status = driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), _handle(driver, number))  # for the process's life
    if status := status or driver.cuCtxPushCurrent_v2(context):
        raise EnvironmentFault(f"GPU {number} cannot be used (error {status})", "nvidia-smi says what occupies it")
    try:
        yield
    finally:
        driver.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))


def _handle(driver: Any, number: int) -> int:
    device = ctypes.c_int()
    driver.cuDeviceGet(ctypes.byref(device), number)
    return device.value


def _attribute(driver: Any, what: int, device: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), what, device)
    return value.value


def _library() -> str:
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def _load() -> Any:
    try:
        return ctypes.CDLL(_library())
    except OSError:
        return None
