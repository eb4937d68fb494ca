"""Records what a measurement depends on: hardware, driver, instruction set, versions, threads."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.speed.schema import Environment
from i2s_trt import __version__
from i2s_trt.machine import describe_machine, package_version
from i2s_trt.threads import waiting

_PACKAGES = ("torch", "numpy", "onnxruntime", "onnxruntime-gpu", "tensorrt", "tensorrt_rtx", "triton")
_INSTRUCTIONS = (
    "avx2", "avx512f", "avx512_bf16", "avx512_fp16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8", "amx_fp16",
    "asimd", "asimdhp", "bf16", "i8mm", "sve", "sme",
)  # fmt: skip
_PATIENCE = 10


def describe_environment(device: str) -> Environment:
    """This machine, for measurements on `cpu` or `cuda`. Imports torch."""
    import torch

    machine = describe_machine()
    return Environment(
        device=device,
        system=machine.system,
        python=machine.python,
        cpu=machine.cpu,
        cores=machine.cores,
        memory_gib=machine.memory_gib,
        gpu=machine.gpu,
        driver=_answer(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]),
        threads=torch.get_num_threads(),
        instructions=_instructions(),
        waiting=waiting(),
        packages={name: package_version(name) for name in _PACKAGES if package_version(name)},
    )


def program_version() -> str:
    """The commit where this is a checkout, with `-dirty` when files were changed; else the package's version."""
    root = Path(__file__).resolve().parents[2]
    described = _answer(["git", "-C", str(root), "describe", "--always", "--dirty"]) if (root / ".git").exists() else ""
    return f"{__version__} {described}".strip()


def _instructions() -> tuple[str, ...]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ()
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    flags = set(line.split())
    return tuple(name for name in _INSTRUCTIONS if name in flags)


def _answer(command: list[str]) -> str:
    """The first line that a program says; empty where it is missing or fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command
            [program, *command[1:]], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else ""
