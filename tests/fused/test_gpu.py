"""The hand-written GPU kernels: interpreted wherever Triton is installed, and run on a GPU where there is one."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

# against float32: the rounding of the format, a few times over
_TOLERANCE = {"torch.float32": 2e-6, "torch.bfloat16": 0.01, "torch.float16": 0.00125}

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed: pip install triton")


PROGRAMS = {"interpreted": {"small": 10, "large": 14}, "interpreted_modulated": {"small": 8, "large": 10}}  # and cases


def agree(program: str, size: str, device: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fused.{program}", size, device],
        env={**os.environ, **environment}, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    compared = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(compared) == PROGRAMS[program][size]
    for one in compared:
        worst = max(one["apart"].items(), key=lambda item: item[1])
        assert worst[1] < _TOLERANCE[one["dtype"]], (one["shape"], one["dtype"], worst)


@needs_triton
@pytest.mark.parametrize("size", ["small", pytest.param("large", marks=pytest.mark.slow)])
@pytest.mark.parametrize("program", PROGRAMS)
def test_interpreted_they_agree_with_the_formulas(program: str, size: str) -> None:
    agree(program, size, "cpu", TRITON_INTERPRET="1")


@pytest.mark.gpu
@needs_triton
@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_on_a_gpu_they_agree_with_the_formulas(program: str, size: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    agree(program, size, "cuda")
