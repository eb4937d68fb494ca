"""Stand-ins for what cannot exist without a GPU: device memory, and TensorRT's runtime objects.

`fake_tensorrt` keeps everything of the real `tensorrt_rtx` that works without one (the logger, the enums, the version)
and replaces only `Runtime`, whose real engines cannot be deserialised without a driver.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from engines.cuda.buffers import Buffer, Event, Shape, Work
from i2s_trt.arrays import Array

STREAM = 7


@dataclass
class FakeBuffer:
    address: int
    host: Array
    device: Array


@dataclass
class FakeDevice:
    """Runs at once, and writes down the order in which it was told."""

    name: str = "fake"
    number: int = 0
    is_current: bool = False
    log: list[str] = field(default_factory=list)
    memory: dict[int, Array] = field(default_factory=dict)
    reserved: list[int] = field(default_factory=list)
    capture_error: Exception | None = None
    allocate_error: Exception | None = None
    download_error: Exception | None = None

    @contextmanager
    def current(self) -> Iterator[None]:
        before, self.is_current = self.is_current, True
        try:
            yield
        finally:
            self.is_current = before

    def allocate(self, shape: Shape, dtype: np.dtype[Any]) -> FakeBuffer:
        if self.allocate_error:
            raise self.allocate_error
        buffer = FakeBuffer(256 * (len(self.memory) + 1), np.zeros(shape, dtype), np.zeros(shape, dtype))
        self.memory[buffer.address] = buffer.device
        return buffer

    def reserve(self, size: int) -> int:
        self.reserved.append(size)
        return 1 << 40

    def upload(self, buffers: Sequence[Buffer]) -> Event:
        self.log.append("upload")
        for buffer in buffers:
            self.memory[buffer.address][...] = buffer.host
        return "uploaded"

    def launch(self, work: Work, after: Event) -> Event:
        assert after == "uploaded"
        self.log.append("launch")
        work(STREAM)
        return "computed"

    def download(self, buffers: Sequence[Buffer], after: Event) -> Event:
        assert after == "computed"
        if self.download_error:
            raise self.download_error
        self.log.append("download")
        for buffer in buffers:
            buffer.host[...] = self.memory[buffer.address]
        return "downloaded"

    def wait(self, event: Event) -> None:
        self.log.append(f"wait {event}")

    def capture(self, work: Work) -> Work:
        if self.capture_error:
            raise self.capture_error
        self.log.append("capture")

        def replay(stream: int) -> None:
            self.log.append("replay")
            work(stream)

        return replay


class FakeContext:
    """Strict: everything must be set before it runs, with the types that the real bindings take."""

    def __init__(self, engine: "FakeEngine") -> None:
        self._engine = engine
        self._shapes: dict[str, Shape] = {}
        self._addresses: dict[str, int] = {}
        self._memory = 0

    def set_device_memory(self, memory: int, size: int) -> None:
        assert memory % 256 == 0
        assert size >= self._engine.device_memory_size_v2
        self._memory = memory

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        assert isinstance(shape, tuple)
        self._shapes[name] = shape
        return name in self._engine.shapes

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert isinstance(address, int)
        self._addresses[name] = address
        return name in self._engine.shapes

    def infer_shapes(self) -> list[str]:
        return [name for name in self._engine.inputs if name not in self._shapes]

    def get_tensor_shape(self, name: str) -> Shape:
        batch = next(shape[0] for input_, shape in self._shapes.items() if self._engine.shapes[input_][0] == -1)
        return tuple(batch if side == -1 else side for side in self._engine.shapes[name])

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == STREAM
        assert self._engine.device.is_current
        assert set(self._addresses) == set(self._engine.shapes)
        assert self._memory
        if self._engine.broken:
            return False
        memory = self._engine.device.memory
        values = {name: memory[address] for name, address in self._addresses.items()}
        for name, result in self._engine.function(values).items():
            values[name][...] = result
        return True


@dataclass
class FakeEngine:
    """Computes a NumPy function where a real engine would run kernels."""

    device: FakeDevice
    inputs: tuple[str, ...]
    shapes: dict[str, Shape]
    function: Callable[[dict[str, Array]], dict[str, Array]]
    broken: bool = False
    device_memory_size_v2: int = 4096
    contexts: int = 0

    @property
    def num_io_tensors(self) -> int:
        return len(self.shapes)

    def get_tensor_name(self, index: int) -> str:
        return list(self.shapes)[index]

    def create_runtime_config(self) -> Any:
        return SimpleNamespace(set_execution_context_allocation_strategy=lambda strategy: strategy.name)

    def create_execution_context(self, _config: Any) -> FakeContext:
        assert self.device.is_current
        self.contexts += 1
        return FakeContext(self)


def fake_tensorrt(real: Any, deserialize: Callable[[bytes], FakeEngine | None]) -> Any:
    """A TensorRT (not RTX: contexts are captured by us) whose runtime gives fake engines."""
    return SimpleNamespace(
        __version__=real.__version__,
        ILogger=real.ILogger,
        ExecutionContextAllocationStrategy=real.ExecutionContextAllocationStrategy,
        Runtime=lambda _logger: SimpleNamespace(deserialize_cuda_engine=deserialize),
    )
