"""The GPU as its driver describes it; the driver is faked, since most machines that run tests have none."""

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from engines.device_buffers import open_device
from engines.gpu import describe_gpu, driver_fault, gpu_target
from i2s_trt.errors import EnvironmentFault


def fake_driver(start: int = 0, count: int = 1) -> Any:
    """`libcuda` of an RTX 4090."""

    def write(value: int) -> Any:
        def call(answer: Any, *_rest: object) -> int:
            answer._obj.value = value
            return 0

        return call

    def name(buffer: Any, size: int, device: int) -> int:
        assert (size, device) == (ctypes.sizeof(buffer), 0)
        buffer.value = b"NVIDIA GeForce RTX 4090"
        return 0

    def attribute(answer: Any, number: int, device: int) -> int:
        answer._obj.value = {16: 128, 75: 8, 76: 9}[number]
        return device

    return SimpleNamespace(
        cuInit=lambda _flags: start,
        cuDeviceGetCount=write(count),
        cuDeviceGetName=name,
        cuDeviceTotalMem_v2=write(24 << 30),
        cuDeviceGetAttribute=attribute,
        cuDriverGetVersion=write(13020),
    )


@pytest.mark.parametrize(
    ("start", "count", "fault"),
    [(0, 2, ""), (0, 0, "finds no GPU"), (100, 0, r"does not start \(error 100\)")],
)
def test_the_driver_itself_is_asked(start: int, count: int, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.gpu.ctypes.CDLL", lambda _name: fake_driver(start, count))
    if not fault:
        assert driver_fault() == ""
        return
    assert (describe_gpu(), gpu_target()) == ("", "")
    with pytest.raises(EnvironmentFault, match=fault) as caught:
        open_device()
    assert "--engine onnxruntime" in caught.value.mend


def test_a_gpu_is_described_with_all_that_engines_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.gpu.ctypes.CDLL", lambda _name: fake_driver())
    assert describe_gpu() == (
        "NVIDIA GeForce RTX 4090, 24 GiB, 128 multiprocessors, compute capability 8.9, driver of CUDA 13.2"
    )
    assert gpu_target() == "sm89"


def test_no_driver_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Any:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr("engines.gpu.ctypes.CDLL", missing)
    assert "no CUDA driver" in driver_fault()
    assert (describe_gpu(), gpu_target()) == ("", "")
