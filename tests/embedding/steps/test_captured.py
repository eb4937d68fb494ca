"""A step on tensors that stay where they are: what a CUDA graph replays, run here operation by operation."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.embed import EmbedProblem, embed, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.captured import CapturedStep, EagerStep, stepper
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.steps.state import RUNNING, EmbedState
from i2s_trt.memory import capturing
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.embedding.steps.fake_graphs import FakeGraphs

QUICK = EmbedOptions(steps=12, learning_rate=0.05, objective=ObjectiveOptions(layer_weights={"conv1_1": 1.0}))


def pictures(count: int) -> list[Pixels]:
    random = np.random.default_rng(0)
    return [np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((4, 4, 1))).astype(np.uint8) for _ in range(count)]


def addresses(state: EmbedState) -> dict[str, int]:
    return {field.name: getattr(state, field.name).data_ptr() for field in fields(state)}


CHARGED = {"objective": replace(QUICK.objective, prior_weight=0.1)}


@pytest.mark.parametrize(
    "changes", [{}, {"space": "z"}, {"plateau_steps": 2}, {"noise": 5}, {"learning_rate": 1e30}, CHARGED]
)
def test_no_tensor_of_the_state_moves(toy: Generator, vgg: Vgg16, changes: dict[str, Any]) -> None:
    problem = EmbedProblem(Embedder(toy, replace(QUICK, **changes), vgg), pictures(2))
    state = problem.start()
    before = addresses(state)
    step = problem.stepper(state)
    for _ in range(4):
        step()
    assert addresses(state) == before


class _HostValues(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes tensors made of Python's numbers: on a GPU they are copied there, which a CUDA graph refuses."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.lift_fresh.default:
            self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("model", ["random-16", "random-16-sg2"])
def test_a_step_takes_no_numbers_from_the_host(model: str, vgg: Vgg16) -> None:
    problem = EmbedProblem(Embedder(load_generator(model), replace(QUICK, method="fused"), vgg), pictures(2))
    step = problem.stepper(problem.start())
    step()
    with _HostValues() as host:
        step()
    assert host.seen == []
    with _HostValues() as host:
        torch.ones(3)[[0, 2]]
    assert host.seen == ["aten.lift_fresh.default"]


def test_steps_by_hand_are_the_run(toy: Generator, vgg: Vgg16) -> None:
    problem = EmbedProblem(Embedder(toy, QUICK, vgg), pictures(2))
    by_hand, run = problem.start(), problem.start()
    step = problem.stepper(by_hand, capture=True)  # there is no GPU to capture it on
    assert step.kind == "eager"
    losses = [step() for _ in range(12)]
    optimise(problem, run)
    assert all(torch.equal(getattr(by_hand, f.name), getattr(run, f.name)) for f in fields(run))
    assert torch.equal(torch.stack(losses, dim=1), run.history)
    assert by_hand.steps_left(12) == 0


def test_going_on_from_a_state_leaves_it_as_it_was(toy: Generator, vgg: Vgg16) -> None:
    (stopped,) = embed(toy, pictures(1), QUICK, vgg=vgg, callback=lambda progress: progress.steps[0] == 3)
    before = stopped.state.select(0)
    embed(toy, pictures(1), QUICK, vgg=vgg, start=stopped.state)
    for field in fields(before):
        ours, wanted = getattr(stopped.state, field.name), getattr(before, field.name)
        torch.testing.assert_close(ours, wanted, rtol=0, atol=0, equal_nan=True)


def test_steps_left_are_those_of_the_slowest_that_runs() -> None:
    state = EmbedState.start(torch.zeros(3, 1, 2), QUICK)
    state.step.copy_(torch.tensor([4, 9, 1]))
    state.status.copy_(torch.tensor([RUNNING, RUNNING, RUNNING + 1]))
    assert state.steps_left(12) == 8


def test_only_a_gpu_records_and_obstacles_are_told_there_alone() -> None:
    said: list[str] = []

    def work() -> Tensor:
        return torch.ones(1, 1)

    assert isinstance(stepper(work, torch.device("cpu"), True, "its noise is new", said.append), EagerStep)
    assert isinstance(stepper(work, torch.device("cuda"), False, "its noise is new", said.append), EagerStep)
    assert said == []
    assert isinstance(stepper(work, torch.device("cuda"), None, "its noise is new", said.append), EagerStep)
    assert said == [
        "the step cannot be captured as a CUDA graph (its noise is new): it runs operation by operation, slower"
    ]


class _Tight(Gradient):
    """Has not memory enough for a capture, nor, afterwards, for more than `most` images at once."""

    most = 4
    refused = False

    def __call__(self, variable: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        self.refused = self.refused or capturing()
        if capturing() or (self.refused and len(variable) > self.most):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().__call__(variable, *rest)


def steps_of(batch: Batch, state: EmbedState) -> Any:
    """What `EmbedProblem` makes of a batch: Algorithm 1, lines 3 and 4."""

    def step() -> Tensor:
        losses, gradient = batch(state)
        advance(state, losses, gradient, QUICK)
        return losses

    return step


@pytest.mark.parametrize(("images", "most", "size"), [(4, 4, 4), (4, 2, 2), (1, 1, 1)])
def test_memory_that_does_not_suffice_for_a_capture_costs_the_capture_alone(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch, images: int, most: int, size: int
) -> None:
    targets = torch.rand(images, 3, 16, 16)
    start = toy.mean_w_plus.repeat(images, 1, 1)
    wanted, state = EmbedState.start(start, QUICK), EmbedState.start(start, QUICK)
    plainly = steps_of(Batch(Gradient(toy, vgg, QUICK), targets, targets, lambda *_: None, size, pytest.fail), wanted)
    gradient = _Tight(toy, vgg, QUICK)
    gradient.most = most
    said: list[str] = []
    batch = Batch(gradient, targets, targets, lambda *_: None, images, said.append)
    graphs = FakeGraphs(monkeypatch, state)
    step = CapturedStep(steps_of(batch, state), torch.device("cuda"), said.append)
    for _ in range(6):
        step(), plainly()
    assert (step.kind, batch.size) == ("eager", size)
    assert graphs.log == ["record", "reset", "give back", *["give back"] * (size < images)]
    assert said[0].startswith("the step cannot be captured as a CUDA graph (CUDA out of memory")
    assert len(said) == 1 + (size < images)
    assert state.step.tolist() == [6] * images
    torch.testing.assert_close(state.history, wanted.history, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_what_a_capture_makes_is_not_kept_for_steps_that_are_executed(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = torch.rand(1, 3, 16, 16)
    made = []

    class Counting(Gradient):
        def objective(self, *pictures: Any) -> Any:
            made.append(capturing())
            return super().objective(*pictures)

    state = EmbedState.start(toy.mean_w_plus.unsqueeze(0), QUICK)
    batch = Batch(Counting(toy, vgg, QUICK), targets, targets, lambda *_: None, 1, pytest.fail)
    FakeGraphs(monkeypatch, state)
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        batch(state)
    batch(state), batch(state)
    assert made == [True, False]


def test_the_first_of_two_failures_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> Tensor:
        if not capturing():
            return torch.ones(1, 1)
        try:
            raise RuntimeError("asked the device for a value")
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    said: list[str] = []
    FakeGraphs(monkeypatch, EmbedState.start(torch.zeros(1, 1, 2), QUICK))
    step = CapturedStep(work, torch.device("cuda"), said.append)
    for _ in range(5):
        step()
    assert len(said) == 1
    assert "asked the device for a value" in said[0]


@pytest.fixture
def on_gpu(toy: Generator, vgg: Vgg16) -> Any:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    yield toy.to("cuda"), vgg.to("cuda")
    toy.cpu(), vgg.cpu()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_a_replayed_step_is_the_eager_one(on_gpu: tuple[Generator, Vgg16], precision: Any) -> None:
    generator, vgg = on_gpu
    problem = EmbedProblem(Embedder(generator, replace(QUICK, precision=precision), vgg), pictures(3))
    eager, captured = problem.start(), problem.start()
    slow, fast = problem.stepper(eager, capture=False), problem.stepper(captured)
    for _ in range(12):
        slow(), fast()
    assert isinstance(fast, CapturedStep)
    assert fast.kind == "captured"
    torch.testing.assert_close(captured.history, eager.history, rtol=1e-3, atol=1e-3)
    assert captured.status.tolist() == eager.status.tolist()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_stylegan2_is_replayed_too(on_gpu: tuple[Generator, Vgg16], precision: Any) -> None:
    generator = load_generator("random-16-sg2").to("cuda")
    embedder = Embedder(generator, replace(QUICK, precision=precision), on_gpu[1])
    problem = EmbedProblem(embedder, pictures(3))
    eager, captured = problem.start(), problem.start()
    slow, fast = problem.stepper(eager, capture=False), problem.stepper(captured)
    for _ in range(12):
        slow(), fast()
    assert fast.kind == "captured"
    torch.testing.assert_close(captured.history, eager.history, rtol=1e-3, atol=1e-3)


@pytest.mark.gpu
def test_replaying_waits_for_nothing(on_gpu: tuple[Generator, Vgg16]) -> None:
    generator, vgg = on_gpu
    problem = EmbedProblem(Embedder(generator, replace(QUICK, steps=50), vgg), pictures(1))
    step = problem.stepper(problem.start())
    for _ in range(5):
        step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert step.kind == "captured"


@pytest.mark.gpu
def test_what_cannot_be_captured_runs_on_and_says_so_once(on_gpu: tuple[Generator, Vgg16]) -> None:
    said: list[str] = []
    x = torch.zeros(1, device="cuda")

    def work() -> Tensor:
        x.add_(1)
        return x * float(x)  # waits for the device: no graph can hold that

    step = CapturedStep(work, torch.device("cuda"), said.append)
    for _ in range(8):
        step()
    assert step.kind == "eager"
    assert len(said) == 1
    assert float(x) >= 8
    assert on_gpu
