"""Streams, events, graphs and the rest of `torch.cuda`, for the fake card."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch

from tests.fake_cuda import NAME
from tests.fake_cuda.card import CAPTURING, Capture, card


class CudaGraph:
    """Replays what was captured."""

    def __init__(self) -> None:
        self.captured: Capture | None = None

    def replay(self) -> None:
        """Compute it again, into the same memory."""
        assert self.captured is not None, "replayed before it was captured"
        assert card.capture is None
        with torch.no_grad():
            self.captured.replay()

    def reset(self) -> None:
        """Forget what was captured."""
        self.captured = None


@contextmanager
def graph(target: CudaGraph, stream: "Stream | None" = None, capture_error_mode: str = "global") -> Iterator[None]:
    """Capture what runs meanwhile. Like the real one it computes nothing: all memory is as before at the end."""
    assert capture_error_mode in ("global", "thread_local", "relaxed")
    assert stream is None or isinstance(stream, Stream)
    assert card.capture is None, "a capture within a capture"
    card.capture = capturing = Capture()
    try:
        yield
        target.captured = capturing
    finally:
        card.capture = None
        capturing.undo()


class Event:
    """Knows when it was recorded."""

    def __init__(self, enable_timing: bool = False, **_options: Any) -> None:
        self._timing, self._when = enable_timing, 0.0

    def record(self, stream: "Stream | None" = None) -> None:
        """Note the time."""
        assert stream is None or isinstance(stream, Stream)
        self._when = time.perf_counter()

    def elapsed_time(self, end: "Event") -> float:
        """Milliseconds until another event; both must keep the time and have been recorded."""
        assert self._timing
        assert end._timing
        assert 0 < self._when <= end._when
        return (end._when - self._when) * 1e3

    def synchronize(self) -> None:
        """Nothing is behind."""
        assert card.capture is None, CAPTURING

    def query(self) -> bool:
        """Always done."""
        return True


class Stream:
    """Runs at once."""

    cuda_stream = 1

    def __init__(self, device: torch.device | str | int | None = None, priority: int = 0) -> None:
        self.device = torch.device("cuda", 0)
        assert device is None or torch.device(device).type == "cuda"

    def wait_stream(self, stream: "Stream") -> None:
        """Nothing to wait for."""
        assert isinstance(stream, Stream)

    def wait_event(self, event: Event) -> None:
        """Nothing to wait for."""
        assert isinstance(event, Event)

    def record_event(self, event: Event | None = None) -> Event:
        """An event that has passed."""
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        """Nothing is behind."""
        assert card.capture is None, CAPTURING


_streams = [Stream()]


@contextmanager
def stream(chosen: Stream | None) -> Iterator[None]:
    """Makes a stream the current one."""
    _streams.append(chosen or _streams[-1])
    try:
        yield
    finally:
        _streams.pop()


def _reset_peak(_device: Any = None) -> None:
    card.memory.peak = card.memory.now


def _set_sync_debug_mode(mode: str) -> None:
    card.forbid_waiting = mode == "error"


def _synchronize(_device: Any = None) -> None:
    assert card.capture is None, CAPTURING


_MEMORY = 16 * 2**30
_PROPERTIES = SimpleNamespace(
    name=NAME, major=9, minor=0, total_memory=_MEMORY, multi_processor_count=4, warp_size=32, L2_cache_size=2**20
)
CUDA: dict[str, Any] = {
    "is_available": lambda: True,
    "is_initialized": lambda: True,
    "_lazy_init": lambda: None,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
    "set_device": lambda device: torch.empty(0, device=device),
    "get_device_properties": lambda _device=None: _PROPERTIES,
    "get_device_capability": lambda _device=None: (_PROPERTIES.major, _PROPERTIES.minor),
    "get_device_name": lambda _device=None: NAME,
    "mem_get_info": lambda _device=None: (_MEMORY - card.memory.now, _MEMORY),
    "max_memory_allocated": lambda _device=None: card.memory.peak,
    "memory_allocated": lambda _device=None: card.memory.now,
    "reset_peak_memory_stats": _reset_peak,
    "synchronize": _synchronize,
    "empty_cache": lambda: None,
    "is_current_stream_capturing": lambda: card.capture is not None,
    "manual_seed_all": lambda _seed: None,
    "set_sync_debug_mode": _set_sync_debug_mode,
    "current_stream": lambda _device=None: _streams[-1],
    "Stream": Stream,
    "Event": Event,
    "CUDAGraph": CudaGraph,
    "graph": graph,
    "stream": stream,
}
