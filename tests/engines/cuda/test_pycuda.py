"""The torch-free GPU driver. pycuda and cuda-python cannot work without a driver, so their modules are faked here;
the fakes hold the order of calls and the balance of contexts. The GPU tests of the runtime run the real ones.
"""

import gc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engines.cuda.graph import capture
from engines.cuda.open import open_device
from engines.cuda.pycuda import PycudaBuffers
from engines.errors import EngineError
from i2s_trt.arrays import Array
from i2s_trt.errors import EnvironmentFault


class FakeCuda:
    """`pycuda.driver` as far as it is used. Every call but `init` and `Device` needs the primary context entered."""

    class Error(Exception):
        pass

    event_flags = SimpleNamespace(DISABLE_TIMING=2)

    def __init__(self) -> None:
        self.depth, self.number = 0, -1
        self.log: list[str] = []
        self.memory: dict[int, bytes] = {}
        self.broken = False
        self.Context = SimpleNamespace(pop=self._pop)

    def init(self) -> None:
        if self.broken:
            raise self.Error("cuInit failed: no CUDA-capable device is detected")

    def Device(self, number: int) -> Any:
        self.number = number
        return SimpleNamespace(retain_primary_context=lambda: SimpleNamespace(push=self._push))

    def _push(self) -> None:
        self.depth += 1

    def _pop(self) -> None:
        self.depth -= 1

    def Stream(self) -> Any:
        assert self.depth == 1
        name = "copy" if "stream compute" in self.log else "compute"
        self.log.append(f"stream {name}")
        return SimpleNamespace(
            name=name, handle=11, wait_for_event=lambda event: self.log.append(f"{name} waits for {event.mark}")
        )

    def Event(self, flags: int) -> Any:
        assert self.depth == 1
        assert flags == 2
        event: Any = SimpleNamespace(mark="", synchronize=lambda: self.log.append(f"host waits for {event.mark}"))
        event.record = lambda stream: setattr(event, "mark", f"{stream.name}'s event")
        return event

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        assert self.depth == 1
        return np.zeros(shape, dtype)

    def mem_alloc(self, size: int) -> int:
        assert self.depth == 1
        address = 256 * (len(self.memory) + 1)
        self.memory[address] = bytes(size)
        return address

    def memcpy_htod_async(self, address: int, host: Array, stream: Any) -> None:
        assert self.depth == 1
        self.memory[address] = host.tobytes()
        self.log.append(f"up on {stream.name}")

    def memcpy_dtoh_async(self, host: Array, address: int, stream: Any) -> None:
        assert self.depth == 1
        host[...] = np.frombuffer(self.memory[address], host.dtype).reshape(host.shape)
        self.log.append(f"down on {stream.name}")


def test_copies_and_work_wait_for_each_other_on_two_streams() -> None:
    cuda = FakeCuda()
    device = PycudaBuffers(0, cuda)
    source, result = (device.allocate((2, 3), np.dtype(np.float32)) for _ in range(2))
    source.host[...] = 5

    def work(stream: int) -> None:
        assert stream == 11
        cuda.log.append("work")
        cuda.memory[result.address] = cuda.memory[source.address]

    device.wait(device.download([result], device.launch(work, device.upload([source]))))
    assert (result.host == 5).all()
    assert cuda.log == [
        "stream compute", "stream copy", "up on copy", "compute waits for copy's event", "work",
        "copy waits for compute's event", "down on copy", "host waits for copy's event",
    ]  # fmt: skip
    assert device.reserve(4096) % 256 == 0
    assert cuda.depth == 0


def test_the_context_is_left_after_an_error_too() -> None:
    cuda = FakeCuda()
    device = PycudaBuffers(0, cuda)

    def fail(_stream: int) -> None:
        raise EngineError("no", "yes")

    with pytest.raises(EngineError):
        device.launch(fail, device.upload([]))
    assert cuda.depth == 0


def test_a_driver_that_fails_and_a_missing_pycuda_are_explained() -> None:
    cuda = FakeCuda()
    cuda.broken = True
    with pytest.raises(EnvironmentFault, match="pycuda cannot use the GPU: cuInit failed"):
        PycudaBuffers(0, cuda)
    try:
        import pycuda.driver  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(EnvironmentFault, match="PyTorch with CUDA or by pycuda") as caught:
            PycudaBuffers()
        assert "pip install 'i2s-trt[gpu]'" in caught.value.hint


def test_pycuda_drives_where_pytorch_has_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    monkeypatch.setattr("engines.cuda.open.driver_fault", lambda *_: "")
    monkeypatch.setattr("engines.cuda.open.torch_has_cuda", lambda: False)
    monkeypatch.setattr("engines.cuda.pycuda._import_pycuda", lambda: cuda)
    for number in (0, 1):
        device = open_device(number)
        assert (device.name, device.number, cuda.number) == ("pycuda", number, number)
        with device.current():
            assert cuda.depth == 1
        assert cuda.depth == 0


class FakeRuntime:
    """`cuda.bindings.runtime` as far as it is used: every call answers `(status, value...)`."""

    cudaError_t = SimpleNamespace(cudaSuccess=0)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)

    def __init__(self, fails: str = "") -> None:
        self.log: list[str] = []
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cuda"):
            raise AttributeError(name)

        def call(*_arguments: Any) -> tuple[Any, ...]:
            self.log.append(name)
            return (900 if name == self._fails else 0, f"value of {name}")

        return call


def test_a_graph_is_recorded_once_and_launched_each_time() -> None:
    runs: list[int] = []
    runtime = FakeRuntime()
    replay = capture(runs.append, 11, runtime)
    replay(11)
    replay(11)
    assert runs == [11]
    recorded = [
        "cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphDestroy",
        "cudaGraphLaunch", "cudaGraphLaunch",
    ]  # fmt: skip
    assert runtime.log == recorded
    del replay
    gc.collect()
    assert runtime.log == [*recorded, "cudaGraphExecDestroy"]


def test_a_capture_that_fails_is_ended() -> None:
    runtime = FakeRuntime()

    def fail(_stream: int) -> None:
        raise EngineError("no", "yes")

    with pytest.raises(EngineError):
        capture(fail, 11, runtime)
    assert runtime.log[-2:] == ["cudaStreamEndCapture", "cudaGraphDestroy"]
    for step, freed in (("cudaStreamEndCapture", 0), ("cudaGraphInstantiate", 1)):
        runtime = FakeRuntime(step)
        with pytest.raises(EnvironmentFault, match="CUDA graph: 900"):
            capture(lambda _stream: None, 11, runtime)
        assert runtime.log.count("cudaGraphDestroy") == freed


def test_without_cuda_python_the_error_names_it() -> None:
    try:
        import cuda.bindings.runtime  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(EnvironmentFault, match="need cuda-python") as caught:
            capture(lambda _stream: None, 11)
        assert "pip install cuda-python" in caught.value.hint
