"""The engine backends that are found, from the distributions that are installed."""

import sys
from pathlib import Path

import pytest

from engines import backends
from engines.backends import Backend, cache_sizes, cuda_graphs, find_backends
from i2s_trt.machine import package_version


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the module search path for pretended distributions."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def distribution(folder: Path, name: str, version: str) -> None:
    record = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def found(name: str) -> Backend:
    return next(backend for backend in find_backends() if backend.name == name)


def test_both_kinds_of_onnx_runtime_are_a_clash(install: Path) -> None:
    distribution(install, "onnxruntime", "1.20")
    assert found("onnxruntime") == Backend("onnxruntime", "1.20", "runs on the CPU")
    distribution(install, "onnxruntime-gpu", "1.20")
    assert "uninstall both" in found("onnxruntime").detail


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-cu13"])
def test_tensorrt_under_either_name(install: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(install, name, "10.13")
    monkeypatch.setattr(backends, "load_tensorrt", lambda _name: None)
    assert found("tensorrt") == Backend("tensorrt", "10.13", "NVIDIA data-centre and desktop GPUs")


def test_an_installed_tensorrt_that_cannot_be_loaded_is_explained(install: Path) -> None:
    """Its bindings are on PyPI, its libraries are not."""
    if package_version("tensorrt"):
        pytest.skip("TensorRT is installed")
    distribution(install, "tensorrt", "11.4")
    (install / "tensorrt.py").write_text("raise ImportError('libnvinfer.so.11: cannot open shared object file')")
    try:
        backend = found("tensorrt")
    finally:
        sys.modules.pop("tensorrt", None)
    assert backend.version == "11.4"
    assert "cannot be loaded: libnvinfer.so.11" in backend.detail
    assert "NVIDIA's package index" in backend.detail


def test_providers_are_told_where_there_are_several(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "package_version", lambda name: "1.31" if name == "onnxruntime-gpu" else "")
    monkeypatch.setattr(
        backends, "provider_faults", lambda: {"cpu": "", "cuda": "", "tensorrt": "it needs TensorRT 10"}
    )
    assert found("onnxruntime").detail == "runs with cpu, cuda; not with tensorrt: it needs TensorRT 10"
    monkeypatch.setattr(backends, "package_version", lambda _name: "")
    assert found("onnxruntime") == Backend("onnxruntime", "", "pip install 'i2s-trt[cpu]'")


@pytest.mark.parametrize(
    ("driver", "torch", "package", "answer"),
    [
        ("there is no CUDA driver", True, "13.4", "none: there is no CUDA driver"),
        ("", True, "", "captured by PyTorch"),
        ("", False, "13.4", "captured by cuda-python"),
        ("", False, "", "pip install cuda-python"),
    ],
)
def test_who_captures_cuda_graphs(
    driver: str, torch: bool, package: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "driver_fault", lambda: driver)
    monkeypatch.setattr(backends, "torch_has_cuda", lambda: torch)
    monkeypatch.setattr(backends, "package_version", lambda _name: package)
    assert answer in cuda_graphs()


def test_the_sizes_of_the_caches(own_home: Path) -> None:
    assert cache_sizes() == {"graphs": 0, "engines": 0, "timings": 0}
    for name, size in (("graphs/model", 3), ("engines/key", 5), ("timings", 7)):
        (own_home / name).mkdir(parents=True)
        (own_home / name / "file").write_bytes(bytes(size))
    assert cache_sizes() == {"graphs": 3, "engines": 5, "timings": 7}
