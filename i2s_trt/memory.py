"""Memory of long computations: kept between steps on the CPU, recognised when it runs out, and given back."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

# glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_DEFAULT_TRIM, _DEFAULT_MMAPS = 128 * 1024, 65536
# PyTorch's allocators, C++, and oneDNN, which says no more than that
_SAID_OF_FULL_MEMORY = ("can't allocate memory", "out of memory", "bad_alloc", "could not create a primitive")


@contextmanager
def kept_memory() -> Iterator[None]:
    """Meanwhile let the process keep the large buffers that it frees, for the next step to take.

    By its own rules glibc gives each back to the kernel, which has to clear the pages that it hands out again: half
    of the time of a step at 1024x1024. Has an effect in the main thread, on Linux with glibc; changes no result.

    The rules are the process's: where several overlap, in one thread or in many, the last to leave puts them back.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _KEEPERS.enter(library)
    try:
        yield
    finally:
        _KEEPERS.leave(library)


class _Keepers:
    """How many want memory kept at the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def enter(self, library: Any) -> None:
        with self._lock:
            self._count += 1
            if self._count == 1:
                library.mallopt(_MMAP_MAX, 0)
                library.mallopt(_TRIM_THRESHOLD, -1)

    def leave(self, library: Any) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                library.mallopt(_MMAP_MAX, _DEFAULT_MMAPS)
                library.mallopt(_TRIM_THRESHOLD, _DEFAULT_TRIM)
                library.malloc_trim(0)


_KEEPERS = _Keepers()


def _glibc() -> Any:
    """The C library where it is glibc, else None."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") else None


def memory_ran_out(error: BaseException) -> bool:
    """Whether an exception says that the device or the machine has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID_OF_FULL_MEMORY)


def capturing() -> bool:
    """Whether a CUDA graph is being captured: memory cannot be given back then, and what is made has no values yet."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def give_back_memory() -> None:
    """Let the GPU have what PyTorch keeps for tensors to come."""
    if torch.cuda.is_available():
        with suppress(RuntimeError):  # after a capture that ended badly it believes in that for ever, and refuses
            torch.cuda.empty_cache()
