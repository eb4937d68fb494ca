"""The TensorRT runtime at work: batches, captures, sequences and threads. Plans and records are real; what cannot exist
without a driver is faked: see `fake_gpu`.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from engines.errors import EngineError
from engines.tensorrt.module import load_tensorrt
from i2s_trt.models.generator import Generator
from tests.engines.tensorrt.runtime_bench import RTX, Bench, latents


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


def test_faults_of_the_gpu_are_ours(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    bench.engine.broken = True
    with pytest.raises(EngineError, match="synthesis fp32: TensorRT does not run"):
        runner({"w_plus": latents(generator, 1)})
    bench.engine.broken = False
    bench.device.allocate_error = RuntimeError("CUDA out of memory")
    with pytest.raises(EngineError, match=r"the GPU fails \(fake\): CUDA out of memory") as caught:
        runner({"w_plus": latents(generator, 2)})
    assert "smaller batch" in caught.value.hint


@pytest.mark.parametrize("graphs", [True, False])
def test_a_call_that_raises_gives_its_context_and_memory_back(graphs: bool, bench: Bench, generator: Generator) -> None:
    runner, w_plus = bench.runner(graphs=graphs), latents(generator, 2)
    noise = load_file(bench.defaults)["noise_0"]
    for _ in range(3):
        bench.engine.broken = True
        with pytest.raises(EngineError, match="does not run"):
            runner({"w_plus": w_plus})
        bench.engine.broken = False
        bench.device.download_error = RuntimeError("an illegal memory access was encountered")
        with pytest.raises(EngineError, match="the GPU fails"):
            runner({"w_plus": w_plus})
        bench.device.download_error = None
        assert (runner({"w_plus": w_plus})["pixels"] == bench.expected(w_plus, noise)).all()
    assert bench.engine.contexts == 1


def test_a_context_is_captured_only_when_it_has_run(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    bench.engine.broken = True
    for _ in range(2):
        with pytest.raises(EngineError, match="does not run"):
            runner({"w_plus": latents(generator, 2)})
    assert "capture" not in bench.device.log
    bench.engine.broken = False
    for _ in range(2):
        runner({"w_plus": latents(generator, 2)})
    assert runner.captured == 1


def test_outputs_of_another_shape_are_refused(bench: Bench, generator: Generator) -> None:
    runner = bench.runner()
    bench.engine.shapes["pixels"] = (-1, 8, 8, 3)
    with pytest.raises(EngineError, match=r"gives pixels the shape \[1, 8, 8, 3\], its record says \[1, 16, 16, 3\]"):
        runner({"w_plus": latents(generator, 1)})


def test_the_runtime_needs_no_pytorch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import engines.tensorrt.runtime, engines.cuda.pycuda, engines.cuda.graph\n"
        "from engines.cuda.open import torch_has_cuda\n"
        "assert not torch_has_cuda()\n"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=root, env=os.environ, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
