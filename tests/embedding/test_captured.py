"""A step on tensors that stay where they are: what a CUDA graph replays, run here operation by operation."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.embedding.captured import CapturedStep, EagerStep, stepper
from i2s_trt.embedding.loop import EmbedProblem, embed, optimise
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.step import RUNNING, EmbedState
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

QUICK = EmbedOptions(steps=12, learning_rate=0.05, objective=ObjectiveOptions(layer_weights={"conv1_1": 1.0}))


def pictures(count: int) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return [np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((4, 4, 1))).astype(np.uint8) for _ in range(count)]


def addresses(state: EmbedState) -> dict[str, int]:
    return {field.name: getattr(state, field.name).data_ptr() for field in fields(state)}


CHARGED = {"objective": replace(QUICK.objective, prior_weight=0.1)}


@pytest.mark.parametrize(
    "changes", [{}, {"space": "z"}, {"plateau_steps": 2}, {"noise": 5}, {"learning_rate": 1e30}, CHARGED]
)
def test_no_tensor_of_the_state_moves(toy: Generator, vgg: Vgg16, changes: dict[str, Any]) -> None:
    problem = EmbedProblem(toy, pictures(2), replace(QUICK, **changes), vgg)
    state = problem.start()
    before = addresses(state)
    step = problem.stepper(state)
    for _ in range(4):
        step()
    assert addresses(state) == before


def test_steps_by_hand_are_the_run(toy: Generator, vgg: Vgg16) -> None:
    problem = EmbedProblem(toy, pictures(2), QUICK, vgg)
    by_hand, run = problem.start(), problem.start()
    step = problem.stepper(by_hand, capture=True)  # there is no GPU to record it on
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
        "the step cannot be recorded as a CUDA graph (its noise is new): it runs operation by operation, slower"
    ]


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
    problem = EmbedProblem(generator, pictures(3), replace(QUICK, precision=precision), vgg)
    eager, recorded = problem.start(), problem.start()
    slow, fast = problem.stepper(eager, capture=False), problem.stepper(recorded)
    for _ in range(12):
        slow(), fast()
    assert isinstance(fast, CapturedStep)
    assert fast.kind == "captured"
    torch.testing.assert_close(recorded.history, eager.history, rtol=1e-3, atol=1e-3)
    assert recorded.status.tolist() == eager.status.tolist()


@pytest.mark.gpu
def test_replaying_waits_for_nothing(on_gpu: tuple[Generator, Vgg16]) -> None:
    generator, vgg = on_gpu
    problem = EmbedProblem(generator, pictures(1), replace(QUICK, steps=50), vgg)
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
def test_what_cannot_be_recorded_runs_on_and_says_so_once(on_gpu: tuple[Generator, Vgg16]) -> None:
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
