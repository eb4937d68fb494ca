"""PyTorch's GPU driver. Without a GPU its streams are stood in for by queues, of which one may run ahead of the other
as far as events let it: what does not wait for what it needs computes with old memory. The runtime's GPU tests use real
streams.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engines.cuda.open import open_device
from engines.cuda.torch import TorchBuffers
from engines.errors import EngineError

GPU = torch.device("cuda", 1)
Operation = Callable[[], object]


class LazyStream:
    """Runs an operation when an event behind it is waited for, and not before; or at once, if `hasty`."""

    hasty = False

    def __init__(self, device: torch.device) -> None:
        assert device == GPU
        self.cuda_stream = id(self)
        self.queue: list[Operation] = []
        self._done = 0

    def wait_event(self, event: "LazyEvent") -> None:
        self.put(event.synchronize)

    def put(self, operation: Operation) -> None:
        self.queue.append(operation)
        if self.hasty:
            self.run(len(self.queue))

    def record_event(self) -> "LazyEvent":
        return LazyEvent(self, len(self.queue))

    def run(self, until: int) -> None:
        while self._done < until:
            self._done += 1
            self.queue[self._done - 1]()


class LazyEvent:
    def __init__(self, stream: LazyStream, position: int) -> None:
        self._stream, self._position = stream, position

    def synchronize(self) -> None:
        self._stream.run(self._position)


class LazyGraph:
    def __init__(self, cuda: "LazyCuda") -> None:
        self._cuda = cuda
        self.operations: list[Operation] = []

    def replay(self) -> None:
        for operation in self.operations:
            self._cuda.enqueue(operation)


class LazyCuda:
    """`torch.cuda` as far as it is used, and `torch.empty` on a GPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.current: list[LazyStream] = []
        self.device: list[torch.device] = []
        self.log: list[str] = []
        self._graph: LazyGraph | None = None
        self._empty, self._copy = torch.empty, Tensor.copy_
        for name, value in (("Stream", LazyStream), ("CUDAGraph", lambda: LazyGraph(self)), ("graph", self.graph),
                            ("stream", self.stream), ("device", self.use)):  # fmt: skip
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(torch, "empty", self.empty)
        monkeypatch.setattr(Tensor, "copy_", lambda to, source, non_blocking=False: self.copy(to, source, non_blocking))
        monkeypatch.setattr(Tensor, "record_stream", lambda _tensor, stream: self.log.append(f"kept for {id(stream)}"))

    def enqueue(self, operation: Operation) -> None:
        (self._graph.operations.append if self._graph else self.current[-1].put)(operation)

    @contextmanager
    def stream(self, stream: LazyStream) -> Iterator[None]:
        self.current.append(stream)
        try:
            yield
        finally:
            self.current.pop()

    @contextmanager
    def use(self, device: torch.device) -> Iterator[None]:
        self.device.append(device)
        try:
            yield
        finally:
            self.device.pop()

    @contextmanager
    def graph(self, graph: LazyGraph, *, stream: LazyStream, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        assert self.current == [stream]
        self._graph = graph
        try:
            yield
        finally:
            self._graph = None

    def empty(self, shape: Any, *, dtype: torch.dtype, device: Any = None, pin_memory: bool = False) -> Tensor:
        assert device == (None if pin_memory else GPU)
        if device:
            self.log.append(f"allocated on {id(self.current[-1])}")
        return self._empty(shape, dtype=dtype).zero_()

    def copy(self, to: Tensor, source: Tensor, non_blocking: bool) -> Tensor:
        assert non_blocking
        self.enqueue(lambda: self._copy(to, source))
        return to


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> LazyCuda:
    return LazyCuda(monkeypatch)


class Doubling:
    """Buffers, and work that gives twice the input."""

    def __init__(self, cuda: LazyCuda, device: TorchBuffers) -> None:
        self._cuda, self._device = cuda, device
        self.source, self.result = (device.allocate((2, 3), np.dtype(np.float32)) for _ in range(2))
        self.calls = 0

    def work(self, stream: int) -> None:
        assert stream == self._cuda.current[-1].cuda_stream
        self.calls += 1
        source, result = self.source.device.numpy(), self.result.device.numpy()
        self._cuda.enqueue(lambda: np.multiply(source, 2, out=result))

    def start(self, value: float, work: Any = None) -> Any:
        self.source.host[...] = value
        return self._device.launch(work or self.work, self._device.upload([self.source]))

    def finish(self, computed: Any) -> set[float]:
        self._device.wait(self._device.download([self.result], computed))
        return set(self.result.host.flatten().tolist())


@pytest.mark.parametrize("hasty", ["neither", "_compute", "_copy"])
def test_copies_and_work_wait_for_each_other_on_two_streams(hasty: str, cuda: LazyCuda) -> None:
    device = TorchBuffers(1)
    if hasty != "neither":
        getattr(device, hasty).hasty = True
    one, other = Doubling(cuda, device), Doubling(cuda, device)
    assert one.source.address == one.source.device.data_ptr() != other.source.address
    flights = [one.start(5), other.start(6)]
    assert (one.result.host == 0).all()  # nothing has been waited for
    assert [one.finish(flights[0]), other.finish(flights[1])] == [{10}, {12}]
    assert one.finish(one.start(7)) == {14}
    assert not cuda.current


def test_memory_is_the_computing_streams_and_kept_for_the_copying_one(cuda: LazyCuda) -> None:
    device = TorchBuffers(1)
    device.allocate((2,), np.dtype(np.uint8))
    assert device.reserve(4096)
    compute, copy = id(device._compute), id(device._copy)
    assert compute != copy
    assert cuda.log == [f"allocated on {compute}", f"kept for {copy}"] * 2


def test_a_graph_is_recorded_without_running_and_replayed(cuda: LazyCuda) -> None:
    device = TorchBuffers(1)
    double = Doubling(cuda, device)
    assert double.finish(double.start(1)) == {2}
    replay = device.capture(double.work)
    assert double.calls == 2
    assert [double.finish(double.start(value, replay)) for value in (3, 4)] == [{6}, {8}]
    assert double.calls == 2  # what was recorded runs, not the work
    assert not cuda.current


def test_streams_are_left_after_an_error_too(cuda: LazyCuda) -> None:
    device = TorchBuffers(1)

    def fail(_stream: int) -> None:
        raise EngineError("no", "yes")

    for action in (lambda: device.launch(fail, device.upload([])), lambda: device.capture(fail)):
        with pytest.raises(EngineError):
            action()
        assert not cuda.current


def test_pytorch_drives_the_gpu_that_is_asked_for(cuda: LazyCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.cuda.open.driver_fault", lambda *_: "")
    monkeypatch.setattr("engines.cuda.open.torch_has_cuda", lambda: True)
    device = open_device(1)
    assert (device.name, device.number) == ("torch", 1)
    with device.current():
        assert cuda.device == [GPU]
    assert not cuda.device
