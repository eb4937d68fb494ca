"""Memory: kept between steps, and a batch that is too large for it."""

import json
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.steps.state import DIVERGED, FINISHED, EmbedState
from i2s_trt.errors import EnvironmentFault
from i2s_trt.memory import kept_memory, memory_ran_out
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

PIXEL = EmbedOptions(objective=ObjectiveOptions(layer_weights={}))

# A program of its own, because it takes room from its own address space until 8 images at once no longer fit. What the
# libraries compile for each size they compile before that: they do not survive a lack of memory there.
_TIGHT = """
import ctypes, json, resource, torch
from pathlib import Path
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import random_vgg16

generator = Generator.from_weights(random_weights(standard_spec(128, 16, 16), seed=0))
options = EmbedOptions(objective=ObjectiveOptions(layer_weights={}))
gradient = Gradient(generator, random_vgg16(), options)
random = torch.Generator().manual_seed(0)
state = EmbedState.start(torch.randn(8, generator.num_layers, 16, generator=random), options)
targets = torch.rand(8, 3, 128, 128, generator=random)
said = []

def batch_of(size):
    return Batch(gradient, targets, targets, lambda *_: None, size, said.append)

for size in (8, 4, 2, 1):
    alone = batch_of(size)(state)
for room in range(512, -16, -16):  # MiB; at last none
    ctypes.CDLL(None).malloc_trim(0)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    batch = batch_of(8)
    resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20, resource.RLIM_INFINITY))
    together = batch(state)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if batch.size < 8:
        break
apart = [float((a - b).norm() / a.norm()) for a, b in zip(alone, together)]
print(json.dumps({"size": batch.size, "said": said, "apart": apart}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its address space as Linux does")
def test_a_batch_too_large_for_the_memory_halves_itself_with_the_same_results() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TIGHT], check=False, capture_output=True, text=True, timeout=300,
        env={"OMP_NUM_THREADS": "1", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["size"] in (1, 2, 4)
    assert result["said"] == ["8 images at once do not fit the memory: going on with smaller groups"]
    assert max(result["apart"]) < 1e-3


class _Limited(Gradient):
    """Runs out of memory, as PyTorch says it, with more than `most` images."""

    most = 3

    def __call__(self, variable: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        if len(variable) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().__call__(variable, *rest)


def limited(generator: Generator, vgg: Vgg16, most: int, said: list[str]) -> tuple[Batch, EmbedState]:
    gradient = _Limited(generator, vgg, PIXEL)
    gradient.most = most
    targets = torch.rand(7, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    state = EmbedState.start(generator.mean_w_plus.repeat(7, 1, 1), PIXEL)
    return Batch(gradient, targets, targets, lambda *_: None, 7, said.append), state


@pytest.mark.parametrize(("most", "size"), [(7, 7), (4, 4), (3, 2), (1, 1)])
def test_odd_batches_halve_too_and_stay_halved(toy: Generator, vgg: Vgg16, most: int, size: int) -> None:
    said: list[str] = []
    batch, state = limited(toy, vgg, most, said)
    losses, gradient = batch(state)
    again, _ = batch(state)
    assert batch.size == size
    assert len(said) == (most < 7)
    assert losses.shape == (7, 2)
    assert gradient.shape == state.variable.shape
    assert torch.equal(losses, again)
    whole, whole_state = limited(toy, vgg, 7, [])
    torch.testing.assert_close(losses, whole(whole_state)[0], rtol=1e-4, atol=1e-4)


def test_one_image_that_does_not_fit_is_an_error_with_a_hint(toy: Generator, vgg: Vgg16) -> None:
    batch, state = limited(toy, vgg, 0, [])
    with pytest.raises(EnvironmentFault, match="memory enough to embed one image") as error:
        batch(state)
    assert "bf16" in error.value.hint


def test_other_failures_are_not_taken_for_full_memory() -> None:
    full = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to ..."
    assert memory_ran_out(RuntimeError(full))
    assert memory_ran_out(RuntimeError("std::bad_alloc"))
    assert memory_ran_out(MemoryError())
    assert memory_ran_out(torch.OutOfMemoryError("CUDA out of memory"))
    assert not memory_ran_out(RuntimeError("shape mismatch"))
    assert not memory_ran_out(ValueError("out of memory"))


def test_images_that_have_stopped_are_not_computed_on_the_cpu(toy: Generator, vgg: Vgg16) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    problem = EmbedProblem(Embedder(toy, PIXEL, vgg), [picture] * 3)
    state = problem.start()
    state.status.copy_(torch.tensor([FINISHED, 0, DIVERGED]))
    losses, gradient = problem.losses_and_gradient(state)
    assert losses.isnan().all(dim=1).tolist() == [True, False, True]
    assert gradient.flatten(1).any(dim=1).tolist() == [False, True, False]


def test_keeping_memory_changes_no_result_and_ends(toy: Generator, vgg: Vgg16) -> None:
    picture = np.full((16, 16, 3), 99, np.uint8)
    problem = EmbedProblem(Embedder(toy, PIXEL, vgg), [picture])
    outside = problem.losses_and_gradient(problem.start())
    with kept_memory():
        inside = problem.losses_and_gradient(problem.start())
    after = problem.losses_and_gradient(problem.start())
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(outside, inside, after, strict=True))


class _Recorder:
    """A C library that writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def mallopt(self, *arguments: int) -> None:
        self.calls.append(arguments)

    def malloc_trim(self, keep: int) -> None:
        self.calls.append((keep,))


def test_the_last_to_leave_puts_the_rules_back(monkeypatch: pytest.MonkeyPatch) -> None:
    library = _Recorder()
    monkeypatch.setattr("i2s_trt.memory._glibc", lambda: library)
    inside, leave = threading.Barrier(2), threading.Event()

    def other() -> None:
        with kept_memory():
            inside.wait(30)
            leave.wait(30)

    thread = threading.Thread(target=other, daemon=True)
    with kept_memory():
        thread.start()
        inside.wait(30)
        with kept_memory():
            pass
    kept = list(library.calls)
    leave.set()
    thread.join(30)
    assert kept == [(-4, 0), (-1, -1)]
    assert library.calls[2:] == [(-4, 65536), (-1, 128 * 1024), (0,)]
