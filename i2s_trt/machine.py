"""What machine this is: for the doctor and for the record of every measurement."""

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Hardware and software of this machine.

    Attributes:
        system: operating system and architecture.
        python: version.
        cpu: model name.
        cores: usable by this process.
        memory_gib: installed.
        gpu: name, memory and compute capability; empty without a usable GPU.
        packages: version of each package, empty when missing.
    """

    system: str
    python: str
    cpu: str
    cores: int
    memory_gib: float
    gpu: str
    packages: dict[str, str]


PACKAGES = ("torch", "numpy", "safetensors", "pillow", "opencv-python-headless")


def describe_machine() -> Machine:
    """Look around. Imports torch to ask for GPUs."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=round(_memory_bytes() / 2**30, 1),
        gpu=_gpu(),
        packages={name: package_version(name) for name in PACKAGES},
    )


def package_version(name: str) -> str:
    """Installed version of a distribution, empty when it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def free_gib(path: Path) -> float:
    """Free disk space at the nearest existing folder of `path`."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    return round(shutil.disk_usage(existing).free / 2**30, 1)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _gpu() -> str:
    try:
        import torch
    except ImportError:  # the doctor says so
        return ""
    if not torch.cuda.is_available():
        return ""
    properties = torch.cuda.get_device_properties(0)
    capability = f"{properties.major}.{properties.minor}"
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB, compute capability {capability}"
