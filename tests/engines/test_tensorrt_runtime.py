"""The TensorRT runtime: what it refuses before anything touches a GPU, its logic, and real runs where there is a GPU.

Plans and records are real, built by TensorRT-RTX. Only what cannot exist without a driver is faked: see `fake_gpu`.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import engines.tensorrt_runtime as runtime_module
from engines.builder import BuildOptions, build_plan
from engines.cache import EngineKey, Entry, build_once
from engines.device_buffers import driver_fault, open_device
from engines.profiles import BatchProfile
from engines.tensorrt_module import EngineError, load_tensorrt
from engines.tensorrt_runtime import TensorrtRunner
from export.keys import ExportedGraph
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.machine import describe_machine
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import TorchSynthesizer
from tests.engines.fake_gpu import FakeDevice, FakeEngine, fake_tensorrt

pytestmark = pytest.mark.usefixtures("module_home")

Array = np.ndarray[Any, Any]
RTX = "tensorrt-rtx"
PROFILE = BatchProfile(1, 2, 4)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.from_weights(random_weights(standard_spec(16, 8, 16), seed=3))


@pytest.fixture
def exported(generator: Generator) -> ExportedGraph:
    return export_graph(GraphSource(lambda: generator, Vgg16), "synthesis")


def build(exported: ExportedGraph, backend: str, targets: tuple[str, ...] = ()) -> Entry:
    version = str(load_tensorrt(backend).__version__)
    key = EngineKey("synthesis", "fp32", exported.record["sha256"], backend, version, PROFILE, targets)
    options = BuildOptions(backend, PROFILE, targets)
    return build_once(key, lambda: build_plan(exported.path, exported.record["inputs"], options))[0]


@pytest.fixture
def entry(exported: ExportedGraph) -> Entry:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    return build(exported, RTX, ("sm89",))


def latents(generator: Generator, count: int, seed: int = 0) -> Array:
    random = torch.Generator().manual_seed(seed)
    w = generator.mapping(torch.randn(count, generator.z_dim, generator=random))
    return np.ascontiguousarray(generator.broadcast(w).numpy())


class Bench:
    """A runner on fake hardware; its engine gives every pixel the sum of the latent and the first noise map."""

    def __init__(self, entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entry, self.defaults, self.device = entry, exported.defaults, FakeDevice()
        record = entry.record
        self.engine = FakeEngine(
            self.device,
            tuple(tensor["name"] for tensor in record["inputs"]),
            {tensor["name"]: tuple(tensor["shape"]) for tensor in [*record["inputs"], *record["outputs"]]},
            self.compute,
        )
        self.plans: list[bytes] = []
        self.trt = fake_tensorrt(load_tensorrt(RTX), self.deserialize)
        monkeypatch.setattr(runtime_module, "load_tensorrt", lambda _backend: self.trt)

    def deserialize(self, plan: bytes) -> FakeEngine:
        self.plans.append(plan)
        return self.engine

    def compute(self, values: dict[str, Array]) -> dict[str, Array]:
        return {"pixels": self.expected(values["w_plus"], values["noise_0"])}

    @staticmethod
    def expected(w_plus: Array, noise: Array) -> Array:
        level = np.abs(w_plus.sum((1, 2)) + noise.sum()) % 256
        pixels: Array = level.astype(np.uint8)[:, None, None, None]
        return pixels

    def runner(self, **options: Any) -> TensorrtRunner:
        return TensorrtRunner(self.entry, self.defaults, RTX, self.device, **options)


@pytest.fixture
def bench(entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(entry, exported, monkeypatch)


def test_without_a_driver_it_refuses_before_any_runtime_is_made(
    entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not driver_fault():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(load_tensorrt(RTX), "Runtime", lambda _logger: pytest.fail("a runtime was made"))
    with pytest.raises(EnvironmentFault, match=r"no CUDA driver|does not start|finds no GPU") as caught:
        TensorrtRunner(entry, exported.defaults, RTX)
    assert "--engine onnxruntime" in caught.value.mend


def test_a_damaged_plan_is_never_deserialised(bench: Bench) -> None:
    whole = bench.entry.plan.read_bytes()
    try:
        for damaged in (whole[:-1], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
            bench.entry.plan.write_bytes(damaged)
            with pytest.raises(EngineError, match="is not loaded: the plan") as caught:
                bench.runner()
            assert "build-engines" in caught.value.mend
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
        assert "pip install" in caught.value.mend


def test_a_plan_that_tensorrt_does_not_take(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "deserialize", lambda _plan: None)
    bench.trt.Runtime = fake_tensorrt(load_tensorrt(RTX), lambda _plan: None).Runtime
    with pytest.raises(EngineError, match="does not take this plan") as caught:
        bench.runner()
    assert "another GPU" in caught.value.mend


def test_a_plan_of_another_gpu_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = describe_machine()
    monkeypatch.setattr("engines.tensorrt_engine.describe_machine", lambda: replace(machine, gpu="NVIDIA L4"))
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


def test_it_computes_and_the_noise_is_uploaded_once(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    assert bench.plans == [bench.entry.plan.read_bytes()]
    assert runner.outputs == ("pixels",)
    noise = load_file(bench.defaults)["noise_0"]
    for batch in (1, 3, 4):
        w_plus = latents(generator, batch)
        result = runner({"w_plus": w_plus})["pixels"]
        assert (result.shape, result.dtype) == ((batch, 16, 16, 3), np.uint8)
        assert (result == bench.expected(w_plus, noise)).all()
    assert bench.device.log.count("upload") == 4
    assert bench.device.reserved == [4096]


def test_results_outlive_the_next_run(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    first = runner({"w_plus": latents(generator, 1)})["pixels"]
    kept = first.copy()
    runner({"w_plus": latents(generator, 1, seed=5)})
    np.testing.assert_array_equal(first, kept)


def test_a_constant_can_be_given_for_one_call(bench: Bench, generator: Generator) -> None:
    runner, w_plus = bench.runner(), latents(generator, 1)
    plain = runner({"w_plus": w_plus})["pixels"]
    noise = np.full((1, 1, 4, 4), 3, np.float32)
    assert (runner({"w_plus": w_plus, "noise_0": noise})["pixels"] == bench.expected(w_plus, noise)).all()
    np.testing.assert_array_equal(runner({"w_plus": w_plus})["pixels"], plain)


def test_the_second_run_of_a_batch_size_is_captured(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    for _ in range(3):
        runner({"w_plus": latents(generator, 2)})
    assert [word for word in bench.device.log if word in {"launch", "capture", "replay"}] == [
        "launch", "capture", "launch", "replay", "launch", "replay",
    ]  # fmt: skip
    runner({"w_plus": latents(generator, 1)})
    assert (runner.captured, runner.capture_fault, bench.engine.contexts) == (1, "", 2)


def test_where_capture_fails_it_goes_on_without(bench: Bench, generator: Generator) -> None:
    bench.device.capture_error = RuntimeError("operation not permitted\nwhen stream is capturing")
    runner = bench.runner()
    results = [runner({"w_plus": latents(generator, 2)})["pixels"] for _ in range(3)]
    assert runner.captured == 0
    assert runner.capture_fault == "operation not permitted when stream is capturing"
    np.testing.assert_array_equal(results[0], results[2])


def test_tensorrt_rtx_captures_by_itself(bench: Bench, generator: Generator) -> None:
    real = load_tensorrt(RTX)
    bench.trt.CudaGraphStrategy = real.CudaGraphStrategy
    bench.trt.DynamicShapesKernelSpecializationStrategy = real.DynamicShapesKernelSpecializationStrategy
    runner = bench.runner()
    for _ in range(3):
        runner({"w_plus": latents(generator, 2)})
    assert "capture" not in bench.device.log
    assert (runner.captured, runner.capture_fault) == (0, "")


def test_a_sequence_overlaps_copies_and_computation(bench: Bench, generator: Generator) -> None:
    runner = bench.runner(graphs=False)
    bench.device.log.clear()
    batches = [latents(generator, size, seed) for seed, size in enumerate((2, 2, 2, 1))]
    noise = load_file(bench.defaults)["noise_0"]
    for w_plus, result in zip(batches, runner.run_many({"w_plus": b} for b in batches), strict=True):
        assert (result["pixels"] == bench.expected(w_plus, noise)).all()
    begin, end = ["upload", "launch"], ["download", "wait downloaded"]
    assert bench.device.log == [*begin, *begin, *end, *begin, *end, *begin, *end, *end]
    assert bench.engine.contexts == 3  # two of batch 2, one of batch 1


def test_a_sequence_may_be_left_early_and_used_from_within(bench: Bench, generator: Generator) -> None:
    runner, w_plus = bench.runner(), latents(generator, 2)
    expected = runner({"w_plus": w_plus})["pixels"]
    for result in runner.run_many({"w_plus": w_plus} for _ in range(5)):
        np.testing.assert_array_equal(runner({"w_plus": w_plus})["pixels"], result["pixels"])
        break
    assert list(runner.run_many([])) == []
    np.testing.assert_array_equal(runner({"w_plus": w_plus})["pixels"], expected)
    log = bench.device.log
    assert log.count("launch") == log.count("download")
    with pytest.raises(EngineError, match="there is no input w"):
        list(runner.run_many([{"w_plus": w_plus}, {"w": w_plus}]))
    assert log.count("launch") == log.count("download")


def test_threads_may_share_a_runner(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    noise = load_file(bench.defaults)["noise_0"]
    wrong: list[int] = []

    def work(seed: int) -> None:
        for turn in range(20):
            w_plus = latents(generator, 1 + turn % 2, seed)
            if (runner({"w_plus": w_plus})["pixels"] != bench.expected(w_plus, noise)).any():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("change", "message", "mend"),
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
    bench: Bench, generator: Generator, change: Any, message: str, mend: str
) -> None:
    runner = bench.runner()
    done = len(bench.device.log)
    with pytest.raises(EngineError, match=message) as caught:
        runner(change(latents(generator, 2)))
    assert mend in caught.value.mend
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


def test_faults_of_the_gpu_are_ours(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    bench.engine.broken = True
    with pytest.raises(EngineError, match="synthesis fp32: TensorRT does not run"):
        runner({"w_plus": latents(generator, 1)})
    bench.engine.broken = False
    bench.device.allocate_error = RuntimeError("CUDA out of memory")
    with pytest.raises(EngineError, match=r"the GPU fails \(fake\): CUDA out of memory") as caught:
        runner({"w_plus": latents(generator, 2)})
    assert "smaller batch" in caught.value.mend


def test_outputs_of_another_shape_are_refused(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    bench.engine.shapes["pixels"] = (-1, 8, 8, 3)
    with pytest.raises(EngineError, match=r"gives pixels the shape \[1, 8, 8, 3\], its record says \[1, 16, 16, 3\]"):
        runner({"w_plus": latents(generator, 1)})


def test_the_runtime_needs_no_pytorch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import engines.tensorrt_runtime, engines.pycuda_buffers, engines.cuda_graph\n"
        "from engines.device_buffers import _torch_has_cuda\n"
        "assert not _torch_has_cuda()\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=root, env=os.environ, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def run_for_real(backend: str, generator: Generator, exported: ExportedGraph) -> None:
    """Build here, run here, compare with PyTorch: one by one, in a sequence, and captured."""
    device = open_device()
    runner = TensorrtRunner(build(exported, backend), exported.defaults, backend, device)
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
    monkeypatch.setattr("engines.device_buffers._torch_has_cuda", lambda: False)
    run_for_real("tensorrt", generator, exported)


def test_the_profile_of_the_record_counts(bench: Bench) -> None:
    signature = bench.runner().signature
    assert (signature.smallest, signature.largest) == (1, 4)
    narrow = replace(signature, smallest=2, largest=2)
    with pytest.raises(EngineError, match="batch 1 is outside the engine's 2 to 2"):
        narrow.batch_of({"w_plus": np.zeros((1, 6, 16), np.float32)}, [f"noise_{i}" for i in range(6)])
