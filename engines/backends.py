"""Which engine backends this machine has, what they can do here, and what to install for those it lacks."""

from dataclasses import dataclass
from pathlib import Path

from engines.cuda.gpu import driver_fault
from engines.cuda.open import torch_has_cuda
from engines.onnxruntime.plugin import PLUGIN_PACKAGE
from engines.onnxruntime.providers import provider_faults
from engines.tensorrt.cache import engines_folder
from engines.tensorrt.module import BACKENDS, load_tensorrt
from engines.tensorrt.timing_cache import timings_folder
from export.keys import graphs_folder
from i2s_trt.errors import EnvironmentFault
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
    """Every known backend, installed or not. An installed TensorRT is imported: its libraries may be missing."""
    return [
        Backend("torch", package_version("torch"), "always there: the reference"),
        _onnxruntime(),
        _backend("tensorrt", ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"), "NVIDIA data-centre and desktop GPUs",
                 "pip install 'i2s-trt[gpu]' (its libraries come from NVIDIA's package index, not from PyPI)"),
        _backend("tensorrt-rtx", ("tensorrt-rtx",), "builds without a GPU, runs on RTX cards",
                 "pip install 'i2s-trt[rtx]'"),
        _backend("pycuda", ("pycuda",), "drives TensorRT where PyTorch has no CUDA",
                 "pip install 'i2s-trt[gpu]' (needs CUDA headers)"),
        _backend("cuda-python", ("cuda-python", "cuda-bindings"), "captures CUDA graphs where PyTorch has no CUDA",
                 "pip install 'i2s-trt[gpu]'"),
    ]  # fmt: skip


def cuda_graphs() -> str:
    """Whether engines can be captured as CUDA graphs here, and by what."""
    if fault := driver_fault():
        return f"none: {fault}"
    if torch_has_cuda():
        return "captured by PyTorch"
    if package_version("cuda-python") or package_version("cuda-bindings"):
        return "captured by cuda-python"
    return "none, engines run without: pip install cuda-python, or a PyTorch that is built for CUDA"


def cache_sizes() -> dict[str, int]:
    """Bytes of exported graphs, built engines and timings of kernels."""
    folders = {"graphs": graphs_folder(), "engines": engines_folder(), "timings": timings_folder()}
    return {name: _size(folder) for name, folder in folders.items()}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _onnxruntime() -> Backend:
    cpu, gpu = package_version("onnxruntime"), package_version("onnxruntime-gpu")
    if cpu and gpu:
        clash = "onnxruntime and onnxruntime-gpu break each other: uninstall both, then install one"
        return Backend("onnxruntime", cpu, clash)
    if not (cpu or gpu):
        return Backend("onnxruntime", "", "pip install 'i2s-trt[cpu]'")
    if not gpu and not package_version(PLUGIN_PACKAGE):
        return Backend("onnxruntime", cpu, "runs on the CPU")
    faults = provider_faults()
    works = ", ".join(name for name, fault in faults.items() if not fault)
    lacks = "".join(f"; not with {name}: {fault}" for name, fault in faults.items() if fault)
    return Backend("onnxruntime", gpu or cpu, f"runs with {works}{lacks}")


def _backend(name: str, distributions: tuple[str, ...], detail: str, install: str) -> Backend:
    version = next(filter(None, map(package_version, distributions)), "")
    if version and name in BACKENDS:
        try:
            load_tensorrt(name)
        except EnvironmentFault as fault:
            detail = f"{fault.args[0]}: {fault.hint}"
    return Backend(name, version, detail if version else install)
