"""The engine backends that are found, from the distributions that are installed."""

from pathlib import Path

import pytest

from engines.backends import Backend, find_backends


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
def test_tensorrt_under_either_name(install: Path, name: str) -> None:
    distribution(install, name, "10.13")
    assert found("tensorrt") == Backend("tensorrt", "10.13", "NVIDIA data-centre and desktop GPUs")
