"""ONNX Runtime on bound memory, for real on the CPU; and the choice of providers, where there is only one."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.onnxruntime import providers
from engines.onnxruntime.providers import provider_faults
from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.keys import ExportedGraph
from export.library import export_graph
from i2s_trt.arrays import Array
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from tests.engines.tensorrt.runtime_bench import latents
from tests.export.shared import slim


@pytest.fixture
def runner(exported: ExportedGraph) -> OnnxRuntimeRunner:
    return OnnxRuntimeRunner(exported)


def unbound(runner: OnnxRuntimeRunner, **inputs: Array) -> Array:
    """What the session computes with nothing bound."""
    constants = {name: value.numpy() for name, value in runner._constants.items()}
    (pixels,) = runner._session.run(None, {**constants, **inputs})
    return np.asarray(pixels)


def test_bound_memory_gives_what_unbound_does(runner: OnnxRuntimeRunner, generator: Generator) -> None:
    for batch in (1, 3, 3, 8, 1):
        w_plus = latents(generator, batch, seed=batch)
        result = runner({"w_plus": w_plus})
        assert list(result) == ["pixels"]
        np.testing.assert_array_equal(result["pixels"], unbound(runner, w_plus=w_plus))


def test_memory_is_bound_once_a_batch_size_and_results_outlive_the_next_run(
    runner: OnnxRuntimeRunner, generator: Generator
) -> None:
    first = runner({"w_plus": latents(generator, 2)})["pixels"]
    kept, bound = first.copy(), runner._bound
    runner({"w_plus": latents(generator, 2, seed=5)})
    assert runner._bound is bound
    np.testing.assert_array_equal(first, kept)
    runner({"w_plus": latents(generator, 1)})
    assert runner._bound is not bound


def test_a_constant_can_be_given_for_one_call(runner: OnnxRuntimeRunner, generator: Generator) -> None:
    w_plus, noise = latents(generator, 2), np.full((1, 1, 4, 4), 3, np.float32)
    plain = runner({"w_plus": w_plus})["pixels"]
    noisy = runner({"w_plus": w_plus, "noise_0": noise})["pixels"]
    np.testing.assert_array_equal(noisy, unbound(runner, w_plus=w_plus, noise_0=noise))
    assert (noisy != plain).any()
    np.testing.assert_array_equal(runner({"w_plus": w_plus})["pixels"], plain)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_a_sequence_of_any_batch_sizes_is_the_same_pictures(sizes: list[int]) -> None:
    runner, generator = _MAPPING.runner, slim(16, 8, 16).generator
    z = np.random.default_rng(0).standard_normal((sum(sizes), generator.z_dim)).astype(np.float32)
    parts = np.split(z, np.cumsum(sizes)[:-1])
    joined = np.concatenate([runner({"z": part})["w"] for part in parts])
    expected = generator.mapping(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(joined, expected, rtol=1e-4, atol=1e-5)


class _Mapping:
    """Made once: hypothesis runs a test many times in one home."""

    runner: OnnxRuntimeRunner


_MAPPING = _Mapping()


@pytest.fixture(autouse=True)
def _mapping_runner(shared_home: Path) -> None:
    if not hasattr(_MAPPING, "runner"):
        _MAPPING.runner = OnnxRuntimeRunner(export_graph(slim(16, 8, 16), "mapping"))


def test_threads_may_share_a_runner(runner: OnnxRuntimeRunner, generator: Generator) -> None:
    batches = [latents(generator, 1 + seed % 2, seed) for seed in range(4)]
    expected = [runner({"w_plus": batch})["pixels"] for batch in batches]
    wrong: list[int] = []

    def work(seed: int) -> None:
        for _ in range(10):
            if (runner({"w_plus": batches[seed]})["pixels"] != expected[seed]).any():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: {}, "input w_plus is missing"),
        (lambda w: {"w_plus": w, "style": w}, "there is no input style"),
        (lambda w: {"w_plus": w.astype(np.float16)}, "input w_plus is float16, not float32"),
        (lambda w: {"w_plus": w[:, :-1]}, r"input w_plus has shape \[2, 5, 16\]"),
        (lambda w: {"w_plus": w, "noise_1": w}, "input noise_1 has shape"),
    ],
)
def test_wrong_inputs_are_refused(runner: OnnxRuntimeRunner, generator: Generator, change: Any, message: str) -> None:
    with pytest.raises(EngineError, match=f"synthesis fp32: {message}") as caught:
        runner(change(latents(generator, 2)))
    assert caught.value.hint


def test_a_failure_within_is_ours(runner: OnnxRuntimeRunner, generator: Generator) -> None:
    def fail(_binding: Any) -> None:
        raise RuntimeError("Failed to allocate\nmemory")

    runner._session = SimpleNamespace(io_binding=runner._session.io_binding, run_with_iobinding=fail)
    with pytest.raises(EngineError, match=r"ONNX Runtime fails \(cpu\): Failed to allocate memory") as caught:
        runner({"w_plus": latents(generator, 1)})
    assert "smaller batch" in caught.value.hint


def installed(monkeypatch: pytest.MonkeyPatch, *names: str, driver: str = "", tensorrt: str = "") -> None:
    """An onnxruntime with these providers."""
    module = SimpleNamespace(get_available_providers=lambda: [*names, "CPUExecutionProvider"])
    monkeypatch.setattr(providers, "import_onnxruntime", lambda: module)
    monkeypatch.setattr(providers, "driver_fault", lambda: driver)
    monkeypatch.setattr("engines.onnxruntime.plugin.driver_fault", lambda: driver)
    monkeypatch.setattr(providers, "package_version", lambda _name: tensorrt)


BOTH = ("TensorrtExecutionProvider", "CUDAExecutionProvider")


def test_a_provider_that_is_not_in_the_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    faults = provider_faults()
    assert faults["cpu"] == ""
    assert "pip install 'i2s-trt[gpu]'" in faults["cuda"]
    installed(monkeypatch, *BOTH, driver="the CUDA driver finds no GPU")
    assert set(provider_faults().values()) == {"", "the CUDA driver finds no GPU"}


def test_the_tensorrt_provider_needs_tensorrt_10(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> None:
        loaded.append(name)
        raise OSError(name)

    monkeypatch.setattr("engines.onnxruntime.providers.ctypes.CDLL", load)
    installed(monkeypatch, *BOTH, tensorrt="11.4.0.106")
    faults = provider_faults()
    assert faults["cuda"] == ""
    assert "TensorRT 11.4.0.106 is installed" in faults["tensorrt"]
    assert "pip install 'tensorrt<11'" in faults["tensorrt"]
    installed(monkeypatch, *BOTH)
    assert "no TensorRT is installed" in provider_faults()["tensorrt"]
    monkeypatch.setattr("engines.onnxruntime.providers.ctypes.CDLL", loaded.append)
    plugin = provider_faults()["tensorrt-rtx"]
    assert provider_faults() == {"cpu": "", "cuda": "", "tensorrt": "", "tensorrt-rtx": plugin}
    assert set(loaded) == {"libnvinfer.so.10"}


def test_without_onnx_runtime_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Any:
        raise ModuleNotFoundError("No module named 'onnxruntime'")

    monkeypatch.setattr("engines.onnxruntime.providers.importlib.import_module", missing)
    assert all("pip install 'i2s-trt[cpu]'" in fault for fault in provider_faults().values())


def test_a_provider_that_does_not_work_is_refused(exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    if provider_faults()["cuda"]:
        with pytest.raises(EnvironmentFault, match="cannot use its cuda provider"):
            OnnxRuntimeRunner(exported, provider="cuda")
    monkeypatch.setattr("engines.onnxruntime.runtime.provider_faults", lambda: {"tensorrt": ""})
    if provider_faults()["tensorrt"]:  # the library falls back to the CPU without a word: we do not
        with pytest.raises(EnvironmentFault, match=r"its libraries do not load|cannot load"):
            OnnxRuntimeRunner(exported, provider="tensorrt")
