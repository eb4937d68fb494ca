"""The GPU as its driver describes it; the driver is faked, since most machines that run tests have none."""

import ctypes
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from engines.cuda.gpu import current_gpu, describe_gpu, driver_fault, gpu_target
from engines.cuda.open import open_device
from engines.plan import engine_device, engine_key, requests_for
from engines.profiles import BatchProfile
from engines.tensorrt.builder import build_plan
from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault

NAMES = (b"NVIDIA GeForce RTX 4090", b"NVIDIA GeForce RTX 3090")
HANDLE = 40  # of the first GPU: a handle is not a number


class FakeDriver:
    """`libcuda` of a machine with up to two GPUs."""

    def __init__(self, start: int = 0, count: int = 1, push: int = 0) -> None:
        self.log: list[str] = []
        self._start, self._count, self._push = start, count, push

    def cuInit(self, _flags: int) -> int:
        return self._start

    def cuDeviceGetCount(self, answer: Any) -> int:
        return self._write(answer, self._count)

    def cuDeviceGet(self, answer: Any, number: int) -> int:
        assert number < self._count
        return self._write(answer, HANDLE + number)

    def cuDeviceGetName(self, buffer: Any, size: int, device: int) -> int:
        assert size == ctypes.sizeof(buffer)
        buffer.value = NAMES[device - HANDLE]
        return 0

    def cuDeviceTotalMem_v2(self, answer: Any, device: int) -> int:
        assert device >= HANDLE
        return self._write(answer, 24 << 30)

    def cuDeviceGetAttribute(self, answer: Any, number: int, device: int) -> int:
        return self._write(answer, {16: (128, 82), 75: (8, 8), 76: (9, 6)}[number][device - HANDLE])

    def cuDriverGetVersion(self, answer: Any) -> int:
        return self._write(answer, 13020)

    def cuDevicePrimaryCtxRetain(self, answer: Any, device: int) -> int:
        return self._write(answer, 1000 + device)

    def cuCtxPushCurrent_v2(self, context: ctypes.c_void_p) -> int:
        self.log.append(f"push {context.value}")
        return self._push

    def cuCtxPopCurrent_v2(self, _answer: Any) -> int:
        self.log.append("pop")
        return 0

    @staticmethod
    def _write(answer: Any, value: int) -> int:
        answer._obj.value = value
        return 0


@pytest.mark.parametrize(
    ("start", "count", "fault"),
    [(0, 2, ""), (0, 0, "finds no GPU"), (100, 0, r"does not start \(error 100\)")],
)
def test_the_driver_itself_is_asked(start: int, count: int, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: FakeDriver(start, count))
    if not fault:
        assert driver_fault() == ""
        return
    assert (describe_gpu(), gpu_target()) == ("", "")
    with pytest.raises(EnvironmentFault, match=fault) as caught:
        open_device()
    assert "--engine onnxruntime" in caught.value.hint


def test_a_gpu_is_described_with_all_that_engines_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: FakeDriver())
    assert describe_gpu() == (
        "NVIDIA GeForce RTX 4090, 24 GiB, 128 multiprocessors, compute capability 8.9, driver of CUDA 13.2"
    )
    assert gpu_target() == "sm89"


def test_every_gpu_is_described_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: FakeDriver(count=2))
    assert describe_gpu(1).startswith("NVIDIA GeForce RTX 3090, 24 GiB, 82 multiprocessors, compute capability 8.6")
    assert (gpu_target(0), gpu_target(1)) == ("sm89", "sm86")
    assert (describe_gpu(2), gpu_target(2)) == ("", "")
    assert driver_fault(2) == "the CUDA driver finds no GPU number 2, 2 in all"
    with pytest.raises(EnvironmentFault, match="no GPU number 2"):
        open_device(2)


def test_a_gpu_is_the_current_one_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver(count=2)
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: driver)
    with current_gpu(1):
        assert driver.log == [f"push {1000 + HANDLE + 1}"]
    assert driver.log[1:] == ["pop"]
    with pytest.raises(KeyError), current_gpu(0):
        raise KeyError
    assert driver.log[2:] == [f"push {1000 + HANDLE}", "pop"]
    with pytest.raises(EnvironmentFault, match="The CUDA driver finds no GPU number 2"), current_gpu(2):
        pytest.fail("there is none")
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: FakeDriver(push=2))
    with pytest.raises(EnvironmentFault, match=r"GPU 0 cannot be used \(error 2\)"), current_gpu(0):
        pytest.fail("it is full")


def test_an_engine_is_built_on_and_for_the_gpu_that_is_asked_for(
    exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = FakeDriver(count=2)
    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", lambda _name: driver)
    for module in ("plan", "tensorrt.builder"):
        monkeypatch.setattr(f"engines.{module}.load_tensorrt", lambda _backend: SimpleNamespace(__version__="10.16"))
    monkeypatch.setattr("engines.tensorrt.builder._plan", lambda *_: driver.log.append("build"))
    (request,) = requests_for("tensorrt", ["synthesis"], "fp32", BatchProfile(1, 2, 4), [], gpu=1)
    assert "RTX 3090" in engine_key(request, exported).device
    assert "RTX 3090" in request.options().device
    build_plan(exported.path, exported.record["inputs"], request.options())
    assert driver.log == [f"push {1000 + HANDLE + 1}", "build", "pop"]
    with pytest.raises(EnvironmentFault, match="has none of number 2"):
        engine_device(replace(request, gpu=2))


def test_no_driver_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Any:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr("engines.cuda.gpu.ctypes.CDLL", missing)
    assert "no CUDA driver" in driver_fault()
    assert (describe_gpu(), gpu_target()) == ("", "")
