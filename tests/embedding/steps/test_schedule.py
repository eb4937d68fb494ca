"""The fast schedule from end to end on a small generator, beside the paper's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Pixels
from i2s_trt.embedding.embed import EmbedProblem, embed, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.job import EmbedJob, JobEvent
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.snapshot import Snapshot, load_snapshot, save_snapshot
from i2s_trt.embedding.steps.captured import Step
from i2s_trt.embedding.steps.lbfgs import QuasiNewtonState
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import UsageError
from i2s_trt.images.fit import to_pixels
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

PIXEL = ObjectiveOptions(layer_weights={})
FAST = EmbedOptions(steps=12, schedule="fast")


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch, module_home: Path) -> None:
    """A rough curvature, quickly measured, once for all tests."""
    monkeypatch.setattr(curvature, "POINTS", 3)
    monkeypatch.setattr(curvature, "PROBES", 4)


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    random = np.random.default_rng(0)
    return [np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((4, 4, 1))).astype(np.uint8) for _ in range(3)]


def test_it_reaches_the_papers_loss_in_a_fraction_of_the_steps(toy: Generator, vgg: Vgg16) -> None:
    w = toy.mapping(torch.randn(1, toy.z_dim, generator=torch.Generator().manual_seed(1)))
    target = to_pixels(toy(toy.truncate(w, psi=0.3, cutoff=99)))[0]
    (paper,) = embed(toy, [target], EmbedOptions(steps=200, objective=PIXEL), vgg=vgg)
    (fast,) = embed(toy, [target], replace(FAST, steps=40, objective=PIXEL), vgg=vgg)
    assert fast.latent.losses["total"] < paper.latent.losses["total"]


@pytest.mark.parametrize("changes", [{}, {"init": "random"}, {"noise": 5}, {"space": "w"}, {"space": "z"}])
def test_a_batch_equals_its_single_runs(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], changes: dict[str, Any]
) -> None:
    options = replace(FAST, **changes)
    together = embed(toy, pictures, options, vgg=vgg)
    for picture, one in zip(pictures, together, strict=True):
        (alone,) = embed(toy, [picture], options, vgg=vgg)
        np.testing.assert_array_equal(one.latent.w_plus, alone.latent.w_plus)
        np.testing.assert_array_equal(one.latent.curve, alone.latent.curve)


@pytest.mark.parametrize("space", ["w+", "w", "z"])
def test_the_answer_is_the_best_point_of_the_curve(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], space: Any
) -> None:
    (result,) = embed(toy, pictures[:1], replace(FAST, space=space), vgg=vgg)
    latent = result.latent
    assert latent.losses["total"] == pytest.approx(float(latent.curve[:, 0].min()), rel=1e-4)
    assert latent.losses["total"] < 0.95 * latent.curve[0, 0]
    assert latent.options["schedule"] == "fast"


def test_a_stopped_run_goes_on_to_the_same_result(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    unbroken = embed(toy, pictures, FAST, vgg=vgg)
    stopped = embed(toy, pictures, FAST, vgg=vgg, callback=lambda progress: progress.steps[0] >= 5)
    assert [item.latent.status for item in stopped] == ["interrupted"] * 3
    state = EmbedState.stack([item.state for item in stopped])
    assert isinstance(state, QuasiNewtonState)
    resumed = embed(toy, pictures, FAST, vgg=vgg, start=state)
    for a, b in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(a.latent.w_plus, b.latent.w_plus)
        np.testing.assert_array_equal(a.latent.curve, b.latent.curve)


def test_snapshots_keep_the_memory_of_the_run(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], tmp_path: Path
) -> None:
    (stopped,) = embed(toy, pictures[:1], FAST, vgg=vgg, callback=lambda progress: progress.steps[0] >= 5)
    key = RunKey("model", "image", {"steps": 5}, "features")
    save_snapshot(tmp_path / "snapshot", key, Snapshot(stopped.state, 1.0))
    found = load_snapshot(tmp_path / "snapshot", key)
    assert found is not None
    assert isinstance(found.state, QuasiNewtonState)
    assert isinstance(stopped.state, QuasiNewtonState)
    assert torch.equal(found.state.moves, stopped.state.moves)
    assert found.state.moves.abs().sum() > 0


def test_an_interrupted_job_resumes_and_ends_as_the_unbroken_one(
    toy: Generator, vgg: Vgg16, astronaut: Path, tmp_path: Path
) -> None:
    def run(folder: str, stop: Callable[[], bool], events: list[JobEvent], resume: bool = False) -> str:
        job = EmbedJob(toy, vgg, FAST, JobOptions(resume=resume), tmp_path / folder, events.append, stop)
        return job.run([astronaut])[0].status

    calls = iter(range(1000))
    events: list[JobEvent] = []
    assert run("whole", lambda: False, []) == "finished"
    assert run("broken", lambda: next(calls) >= 6, []) == "interrupted"
    assert run("broken", lambda: False, events, resume=True) == "finished"
    assert [event.data["step"] for event in events if event.kind == "resumed"] != [0]
    whole, broken = (read_latent(tmp_path / folder / "astronaut.safetensors") for folder in ("whole", "broken"))
    np.testing.assert_array_equal(whole.w_plus, broken.w_plus)
    np.testing.assert_array_equal(whole.curve, broken.curve)


def test_a_plateau_stops_it(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    options = replace(FAST, steps=60, plateau_steps=3, plateau_tolerance=0.3)
    (result,) = embed(toy, pictures[:1], options, vgg=vgg)
    assert result.latent.status == "finished"
    assert result.latent.extra["steps_done"] < 60


def test_no_steps_leave_the_starting_point(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    (result,) = embed(toy, pictures[:1], replace(FAST, steps=0), vgg=vgg)
    np.testing.assert_array_equal(result.latent.w_plus, toy.mean_w_plus.numpy())


def test_weights_that_are_not_finite_are_reported_as_divergence(vgg: Vgg16, pictures: list[Pixels]) -> None:
    weights = random_weights(standard_spec(16, 8, 16), seed=0)
    tensors = {**weights.tensors, "synthesis.to_rgb.0.bias": torch.full((3,), torch.nan)}
    broken = Generator.from_weights(GeneratorWeights(weights.spec, tensors))
    (result,) = embed(broken, pictures[:1], FAST, vgg=vgg)
    assert result.latent.status == "diverged"
    assert np.isfinite(result.latent.w_plus).all()
    assert result.latent.extra["steps_done"] == 0


def test_a_style_picture_goes_along_with_the_other_terms(toy: Generator, vgg: Vgg16, pictures: list[Pixels]) -> None:
    options = replace(FAST, objective=ObjectiveOptions(layer_weights={}, style_weight=1e-3, style_layer="conv1_2"))
    (result,) = embed(toy, pictures[:1], options, vgg=vgg, style_pictures=[pictures[1]])
    assert result.latent.losses["total"] < 0.8 * result.latent.curve[0, 0]
    alone = ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=1.0)
    with pytest.raises(UsageError, match="style loss alone"):
        embed(toy, pictures[:1], replace(FAST, objective=alone), vgg=vgg, style_pictures=[pictures[1]])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="same noise at every step"):
        EmbedOptions(schedule="fast", noise="resampled")
    with pytest.raises(UsageError, match=r"learning rate of 0\.05 does nothing"):
        EmbedOptions(schedule="fast", learning_rate=0.05)
    with pytest.raises(UsageError, match="no schedule named slow"):
        EmbedOptions(schedule="slow")  # type: ignore[arg-type]


def test_the_digest_knows_the_schedule() -> None:
    assert EmbedOptions(schedule="fast").digest() != EmbedOptions().digest()


def test_the_papers_schedule_measures_nothing(toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2s_trt.embedding.steps.schedule.model_curvature", lambda *_: pytest.fail("measured"))
    problem = EmbedProblem(Embedder(toy, EmbedOptions(steps=1), vgg), [np.zeros((16, 16, 3), np.uint8)])
    state = problem.start()
    assert type(state) is EmbedState
    optimise(problem, state)
    assert state.answer is state.variable


def test_a_state_of_the_other_schedule_is_not_taken(toy: Generator, vgg: Vgg16) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    state = EmbedProblem(Embedder(toy, EmbedOptions(steps=2), vgg), [picture]).start()
    with pytest.raises(TypeError, match="paper's schedule"):
        embed(toy, [picture], replace(FAST, steps=2), vgg=vgg, start=state)


def started(generator: Generator, vgg: Vgg16, options: EmbedOptions, pictures: list[Pixels]) -> tuple[EmbedState, Step]:
    problem = EmbedProblem(Embedder(generator, options, vgg), pictures[:1])
    state = problem.start()
    return state, problem.stepper(state)


@pytest.mark.gpu
@pytest.mark.parametrize("prior_weight", [0.0, 0.1])
def test_on_a_gpu_each_captured_step_is_the_cpus(
    toy: Generator, vgg: Vgg16, pictures: list[Pixels], prior_weight: float
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    options = replace(FAST, objective=replace(FAST.objective, prior_weight=prior_weight))
    state, step = started(toy, vgg, options, pictures)
    states, losses = [state.to(torch.device("cpu"))], []
    for _ in range(options.steps):
        losses.append(step().clone())
        states.append(state.to(torch.device("cpu")))
    own, step = started(toy.to("cuda"), vgg, options, pictures)
    for number, (before, after, wanted) in enumerate(zip(states, states[1:], losses, strict=False)):
        own.take(
            before
        )  # each step from where the CPU's begins: left alone, L-BFGS magnifies the last digit tenfold a step
        torch.testing.assert_close(step().cpu(), wanted, rtol=1e-4, atol=1e-4 * float(wanted[0, 0]))
        away = (own.variable.cpu() - after.variable).norm() / (after.variable - before.variable).norm()
        assert away < 0.01, number
    toy.cpu(), vgg.cpu()
    assert step.kind == "captured"
