"""What the TensorRT runtime refuses, before anything touches a GPU."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from engines.cuda.gpu import driver_fault
from engines.errors import EngineError
from engines.tensorrt.cache import Entry
from engines.tensorrt.module import load_tensorrt
from engines.tensorrt.runtime import TensorrtRunner
from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.models.generator import Generator
from tests.engines.fake_gpu import fake_tensorrt
from tests.engines.tensorrt.runtime_bench import RTX, Bench, latents


def test_without_a_driver_it_refuses_before_any_runtime_is_made(
    entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not driver_fault():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(load_tensorrt(RTX), "Runtime", lambda _logger: pytest.fail("a runtime was made"))
    with pytest.raises(EnvironmentFault, match=r"no CUDA driver|does not start|finds no GPU") as caught:
        TensorrtRunner(entry, exported.defaults, RTX)
    assert "--engine onnxruntime" in caught.value.hint


def test_a_damaged_plan_is_never_deserialised(bench: Bench) -> None:
    whole = bench.entry.plan.read_bytes()
    try:
        for damaged in (whole[:-1], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
            bench.entry.plan.write_bytes(damaged)
            with pytest.raises(EngineError, match=r"is not loaded: the plan (has|is not the one)") as caught:
                bench.runner()
            assert "build-engines" in caught.value.hint
        bench.entry.plan.unlink()
        with pytest.raises(EngineError, match="the plan is missing"):
            bench.runner()
    finally:
        bench.entry.plan.write_bytes(whole)
    assert not bench.plans


def test_a_plan_of_another_version_or_backend_is_refused(bench: Bench) -> None:
    bench.trt.__version__ = "9.9"
    with pytest.raises(EngineError, match=r"was built by tensorrt-rtx 1\..*, this is tensorrt-rtx 9\.9"):
        bench.runner()
    with pytest.raises(EngineError, match="this is tensorrt "):
        TensorrtRunner(bench.entry, bench.defaults, "tensorrt", bench.device)
    assert not bench.plans


def test_a_missing_backend_names_the_pip_line(entry: Entry) -> None:
    with pytest.raises(UsageError):
        TensorrtRunner(entry, {}, "openvino")
    try:
        load_tensorrt("tensorrt")
    except EnvironmentFault:
        with pytest.raises(EnvironmentFault) as caught:
            TensorrtRunner(entry, {}, "tensorrt")
        assert "pip install" in caught.value.hint


def test_a_plan_that_tensorrt_does_not_take(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "deserialize", lambda _plan: None)
    bench.trt.Runtime = fake_tensorrt(load_tensorrt(RTX), lambda _plan: None).Runtime
    with pytest.raises(EngineError, match="does not take this plan") as caught:
        bench.runner()
    assert "another GPU" in caught.value.hint


def test_a_plan_of_another_gpu_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.tensorrt.engine.describe_gpu", lambda *_: "NVIDIA L4")
    record_file = bench.entry.folder / "engine.json"
    text = record_file.read_text()
    try:
        record_file.write_text(text.replace('"device": ""', '"device": "NVIDIA A10"'))
        with pytest.raises(EngineError, match="was built for NVIDIA A10, this is NVIDIA L4"):
            bench.runner()
        record_file.write_text(text.replace('"device": ""', '"device": "NVIDIA L4"'))
        bench.runner()
    finally:
        record_file.write_text(text)


def test_a_plan_with_other_tensors_than_its_record(bench: Bench) -> None:
    bench.engine.shapes["extra"] = (1,)
    with pytest.raises(EngineError, match="the plan is not its record's"):
        bench.runner()


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (lambda w: {}, "input w_plus is missing", "give every input"),
        (lambda w: {"w_plus": w, "style": w}, "there is no input style", "it takes w_plus, noise_0"),
        (lambda w: {"w_plus": w.astype(np.float64)}, "input w_plus is float64, not float32", ".astype('float32')"),
        (lambda w: {"w_plus": w[:, :-1]}, r"input w_plus has shape \[2, 5, 16\]", "give [N, 6, 16]"),
        (lambda w: {"w_plus": w[0]}, r"input w_plus has shape \[6, 16\]", "give [N, 6, 16]"),
        (lambda w: {"w_plus": np.float32(1) + np.zeros((), np.float32)}, "input w_plus has shape", "give [N, 6, 16]"),
        (lambda w: {"w_plus": np.repeat(w, 3, 0)}, "batch 6 is outside the engine's 1 to 4", "--batch 1,6"),
        (lambda w: {"w_plus": w[:0]}, "batch 0 is outside", "split the batch"),
        (lambda w: {"w_plus": w, "noise_0": w}, "input noise_0 has shape", "give [1, 1, 4, 4]"),
    ],
)
def test_wrong_inputs_are_refused_before_the_gpu(
    bench: Bench, generator: Generator, change: Any, message: str, hint: str
) -> None:
    runner = bench.runner()
    done = len(bench.device.log)
    with pytest.raises(EngineError, match=message) as caught:
        runner(change(latents(generator, 2)))
    assert hint in caught.value.hint
    assert len(bench.device.log) == done


def test_wrong_defaults_are_refused(bench: Bench, tmp_path: Path) -> None:
    noise = load_file(bench.defaults)
    for wrong in ({"noise_9": noise["noise_0"]}, {**noise, "noise_0": noise["noise_1"][..., :3]}):
        with pytest.raises(EngineError, match="noise_"):
            TensorrtRunner(bench.entry, wrong, RTX, bench.device)
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    with pytest.raises(EngineError, match=r"broken\.safetensors cannot be read"):
        TensorrtRunner(bench.entry, tmp_path / "broken.safetensors", RTX, bench.device)
    runner = TensorrtRunner(bench.entry, {}, RTX, bench.device)
    with pytest.raises(EngineError, match="noise_0, noise_1"):
        runner({"w_plus": np.zeros((1, 6, 16), np.float32)})


def test_a_type_that_numpy_lacks_is_refused(bench: Bench) -> None:
    record_file = bench.entry.folder / "engine.json"
    text = record_file.read_text()
    try:
        record_file.write_text(json.dumps(json.loads(text.replace('"FLOAT"', '"BF16"', 1))))
        with pytest.raises(EngineError, match="is BF16, which NumPy has no type for"):
            bench.runner()
    finally:
        record_file.write_text(text)


def test_the_profile_of_the_record_counts(bench: Bench) -> None:
    signature = bench.runner().signature
    assert (signature.smallest, signature.largest) == (1, 4)
    narrow = replace(signature, smallest=2, largest=2)
    with pytest.raises(EngineError, match="batch 1 is outside the engine's 2 to 2"):
        narrow.batch_of({"w_plus": np.zeros((1, 6, 16), np.float32)}, [f"noise_{i}" for i in range(6)])
