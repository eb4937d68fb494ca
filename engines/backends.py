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


_TENSORRT_INDEX_NOTE = "its libraries come from NVIDIA's package index, not from PyPI"


def find_backends() -> list[Backend]:
    """Every known backend, installed or not. Asks only for versions, imports nothing."""
    cpu, gpu = package_version("onnxruntime"), package_version("onnxruntime-gpu")
    clash = "onnxruntime and onnxruntime-gpu break each other: uninstall both, then install one"
    return [
        Backend("torch", package_version("torch"), "always there: the reference"),
        Backend(
            "onnxruntime",
            cpu or gpu,
            clash
            if cpu and gpu
            else _or_install(cpu or gpu, "cpu", "runs on the CPU" + (" and on CUDA" if gpu else "")),
        ),
        Backend(
            "tensorrt",
            package_version("tensorrt") or package_version("tensorrt-cu13"),
            _or_install(
                package_version("tensorrt"), "gpu", "NVIDIA data-centre and desktop GPUs", _TENSORRT_INDEX_NOTE
            ),
        ),
        Backend(
            "tensorrt-rtx",
            package_version("tensorrt-rtx"),
            _or_install(package_version("tensorrt-rtx"), "rtx", "builds without a GPU, runs on RTX cards"),
        ),
        Backend(
            "pycuda",
            package_version("pycuda"),
            _or_install(
                package_version("pycuda"), "gpu", "drives TensorRT where torch is absent", "needs CUDA headers"
            ),
        ),
    ]


def _or_install(found: str, extra: str, detail: str, note: str = "") -> str:
    return detail if found else f"pip install 'i2s-trt[{extra}]'" + (f" ({note})" if note else "")
