"""Which engine backends this machine has, and what to install for those it lacks."""

from dataclasses import dataclass

from i2s_trt.machine import package_version


@dataclass(frozen=True)
class Backend:
    """A library that runs engines.

    Attributes:
        name: as on the command line.
        version: of what is installed; empty when missing.
        detail: what it can do here, or the command that installs it.
    """

    name: str
    version: str
    detail: str


def find_backends() -> list[Backend]:
    """Every known backend, installed or not. Asks only for versions, imports nothing."""
    return [
        Backend("torch", package_version("torch"), "always there: the reference"),
        _onnxruntime(),
        _backend("tensorrt", ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"), "NVIDIA data-centre and desktop GPUs",
                 "pip install 'i2s-trt[gpu]' (its libraries come from NVIDIA's package index, not from PyPI)"),
        _backend("tensorrt-rtx", ("tensorrt-rtx",), "builds without a GPU, runs on RTX cards",
                 "pip install 'i2s-trt[rtx]'"),
        _backend("pycuda", ("pycuda",), "drives TensorRT where torch is absent",
                 "pip install 'i2s-trt[gpu]' (needs CUDA headers)"),
    ]  # fmt: skip


def _onnxruntime() -> Backend:
    cpu, gpu = package_version("onnxruntime"), package_version("onnxruntime-gpu")
    if cpu and gpu:
        clash = "onnxruntime and onnxruntime-gpu break each other: uninstall both, then install one"
        return Backend("onnxruntime", cpu, clash)
    detail = "runs on the CPU and on CUDA" if gpu else "runs on the CPU"
    return _backend("onnxruntime", ("onnxruntime", "onnxruntime-gpu"), detail, "pip install 'i2s-trt[cpu]'")


def _backend(name: str, distributions: tuple[str, ...], detail: str, install: str) -> Backend:
    version = next(filter(None, map(package_version, distributions)), "")
    return Backend(name, version, detail if version else install)
