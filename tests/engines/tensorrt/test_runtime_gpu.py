"""Real engines on a real GPU, where there is one."""

import numpy as np
import pytest
import torch

from engines.cuda.gpu import driver_fault
from engines.cuda.open import open_device
from engines.tensorrt.layers import parse_layers
from engines.tensorrt.module import load_tensorrt
from engines.tensorrt.runtime import TensorrtRunner
from engines.tensorrt.timing_cache import timing_files
from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer
from tests.engines.tensorrt.runtime_bench import RTX, build, latents


def run_for_real(backend: str, generator: Generator, exported: ExportedGraph) -> None:
    """Build here, run here, compare with PyTorch: one by one, in a sequence, and captured."""
    device, entry = open_device(), build(exported, backend)
    assert parse_layers(entry.layers.read_text())
    assert backend == RTX or timing_files()
    runner = TensorrtRunner(entry, exported.defaults, backend, device)
    reference = TorchSynthesizer(generator)
    batches = [latents(generator, size, seed) for seed, size in enumerate((1, 4, 4, 2, 4, 4))]
    for w_plus, result in zip(batches, runner.run_many({"w_plus": b} for b in batches), strict=True):
        assert np.abs(result["pixels"].astype(int) - reference(w_plus)).max() <= 2
    for w_plus in batches:
        assert np.abs(runner({"w_plus": w_plus})["pixels"].astype(int) - reference(w_plus)).max() <= 2
    assert runner.capture_fault == ""
    assert runner.captured >= (0 if backend == RTX else 3)


@pytest.mark.gpu
@pytest.mark.parametrize("backend", ["tensorrt", RTX])
def test_a_real_engine_renders_what_pytorch_does(backend: str, generator: Generator, exported: ExportedGraph) -> None:
    if fault := driver_fault():
        pytest.skip(fault)
    try:
        load_tensorrt(backend)
    except EnvironmentFault as missing:
        pytest.skip(str(missing))
    if backend == RTX and torch.cuda.is_available() and torch.cuda.get_device_capability() in {(8, 0), (9, 0)}:
        pytest.skip("TensorRT-RTX runs on RTX cards only")
    run_for_real(backend, generator, exported)


@pytest.mark.gpu
def test_a_real_engine_runs_through_pycuda(
    generator: Generator, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pycuda", reason="pycuda is not installed: pip install 'i2s-trt[gpu]'")
    pytest.importorskip("tensorrt", reason="TensorRT is not installed: pip install 'i2s-trt[gpu]'")
    pytest.importorskip("cuda.bindings", reason="cuda-python is not installed")
    if fault := driver_fault():
        pytest.skip(fault)
    monkeypatch.setattr("engines.cuda.open.torch_has_cuda", lambda: False)
    run_for_real("tensorrt", generator, exported)
