"""One step of the fast schedule: L-BFGS as masked arithmetic."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps import lbfgs
from i2s_trt.embedding.steps.lbfgs import QuasiNewtonState, advance_quasi_newton, newton_step
from i2s_trt.embedding.steps.state import DIVERGED, FINISHED, PLATEAU, RUNNING

PIXEL_ONLY = ObjectiveOptions(layer_weights={})


def options(**changes: object) -> EmbedOptions:
    return EmbedOptions(**{"steps": 50, "schedule": "fast", "objective": PIXEL_ONLY, **changes})  # type: ignore[arg-type]


def quadratic(variable: Tensor, worst: float = 100.0) -> tuple[Tensor, Tensor]:
    """Losses [N, 2] and gradient of a sum of squares around 3 with uneven curvature."""
    curvature = torch.logspace(0, float(np.log10(worst)), variable[0].numel()).view_as(variable[0])
    total = (curvature * (variable - 3).square()).flatten(1).sum(1)
    return torch.stack([total, total], 1), 2 * curvature * (variable - 3)


def rosenbrock(variable: Tensor) -> tuple[Tensor, Tensor]:
    """The bent valley, [N, 1, 2]."""
    x = variable.detach().requires_grad_(True)
    a, b = x[:, 0, 0], x[:, 0, 1]
    total = (1 - a).square() + 100 * (b - a.square()).square()
    (gradient,) = torch.autograd.grad(total.sum(), x)
    return torch.stack([total, total], 1).detach(), gradient


def two_loops(gradient: Tensor, moves: Tensor, changes: Tensor, metric: Tensor) -> Tensor:
    """Algorithm 7.4 of Nocedal & Wright for one image, pair by pair, as the book has it."""
    q, alphas = gradient.double().clone(), []
    s, y = moves.double(), changes.double()
    for i in reversed(range(len(s))):
        alphas.append((s[i] @ q) / (s[i] @ y[i]))
        q -= alphas[-1] * y[i]
    r = (s[-1] @ y[-1]) / (y[-1] @ metric.double() @ y[-1]) * metric.double() @ q
    for i, alpha in enumerate(reversed(alphas)):
        r += s[i] * (alpha - (y[i] @ r) / (s[i] @ y[i]))
    return r


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), pairs=st.integers(1, 6), empty=st.integers(0, 3))
def test_the_substitutions_are_the_two_loops_of_the_book(seed: int, pairs: int, empty: int) -> None:
    random = torch.Generator().manual_seed(seed)
    size = 5
    root = torch.randn(size, size, generator=random)
    hessian, metric = root @ root.T + torch.eye(size), torch.diag(torch.rand(size, generator=random) + 0.5)
    moves = torch.randn(pairs, size, generator=random)
    changes = moves @ hessian
    gradient = torch.randn(1, 1, size, generator=random)
    padding = torch.zeros(empty, size)
    ours = newton_step(
        gradient, torch.cat([padding, moves])[None], torch.cat([padding, changes])[None], metric.unsqueeze(0)
    )
    theirs = two_loops(gradient.flatten(), moves, changes, metric)
    torch.testing.assert_close(ours.flatten().double(), theirs, rtol=2e-3, atol=2e-3 * float(theirs.abs().max()))


def test_without_pairs_the_step_is_half_the_metric_times_the_gradient() -> None:
    metric, gradient = torch.diag(torch.tensor([4.0, 0.5])).unsqueeze(0), torch.tensor([[[1.0, 2.0]]])
    nothing = torch.zeros(1, 3, 2)
    torch.testing.assert_close(newton_step(gradient, nothing, nothing, metric), torch.tensor([[[2.0, 0.5]]]))
    torch.testing.assert_close(newton_step(gradient, nothing, nothing, None).norm(), torch.tensor(1.0))


def test_the_exact_curvature_solves_a_quadratic_in_one_step() -> None:
    curvature = torch.logspace(0, 2, 6)
    state = QuasiNewtonState.start(torch.zeros(1, 1, 6), options())
    for _ in range(2):
        advance_quasi_newton(state, *quadratic(state.variable), options(), torch.diag(1 / curvature).unsqueeze(0))
    assert state.point_loss.item() == pytest.approx(0.0, abs=1e-6)


def test_uneven_curvature_is_learnt_from_the_pairs() -> None:
    state = QuasiNewtonState.start(torch.zeros(1, 2, 3), options())
    while state.status.item() == RUNNING:
        advance_quasi_newton(state, *quadratic(state.variable), options(), None)
    assert state.point_loss.item() < 1e-6 * state.history[0, 0, 0].item()


def test_a_bent_valley_is_followed_to_its_end() -> None:
    settings_ = options(steps=80)
    state = QuasiNewtonState.start(torch.tensor([[[-1.2, 1.0]]]), settings_)
    while state.status.item() == RUNNING:
        advance_quasi_newton(state, *rosenbrock(state.variable), settings_, None)
    torch.testing.assert_close(state.answer, torch.ones(1, 1, 2), rtol=1e-2, atol=1e-2)


def test_the_answer_never_gets_worse_and_refused_trials_are_shortened() -> None:
    state = QuasiNewtonState.start(torch.tensor([[[-1.2, 1.0]]]), options())
    best, refusals = [], 0
    for _ in range(30):
        length = state.length.item()
        advance_quasi_newton(state, *rosenbrock(state.variable), options(), None)
        best.append(state.point_loss.item())
        if state.length.item() < 1:
            refusals += 1
            assert 0.1 * length <= state.length.item() <= 0.5 * length + 1e-7
        torch.testing.assert_close(rosenbrock(state.answer)[0][:, 0], state.point_loss)
    assert best == sorted(best, reverse=True)
    assert refusals > 0


def jittering(variable: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The valley on a plateau of 10, where losses are off by up to `share`, another way at every point."""
    losses, gradient = quadratic(variable, worst=1e4)
    jitter = share * torch.sin(1e6 * variable.flatten(1).double().sum(1, keepdim=True)).float()
    return (losses + 10) * (1 + jitter), gradient


@pytest.mark.parametrize("precision", ["bf16", "fp16", "tf32"])
def test_jitter_of_few_bits_does_not_end_a_search(precision: str) -> None:
    share = 0.4 * lbfgs._JITTER[precision]  # type: ignore[index]
    found = {}
    for name in ("fp32", precision):
        settings_ = options(steps=60, precision=name)
        state = QuasiNewtonState.start(torch.zeros(1, 2, 6), settings_)
        while state.status.item() == RUNNING:
            advance_quasi_newton(state, *jittering(state.variable, share), settings_, None)
        found[name] = float(quadratic(state.answer, worst=1e4)[0][0, 0])
    assert found[precision] < 1e-2
    assert found[precision] < 0.2 * found["fp32"], "which takes the jitter for an ascent"


def test_what_few_bits_allow_is_no_more_than_their_jitter() -> None:
    settings_ = options(precision="bf16")
    state = QuasiNewtonState.start(torch.zeros(1, 1, 3), settings_)
    for rise, taken in ((0.0, True), (2e-3, True), (5e-3, False)):
        loss = torch.full((1, 2), 100.0 * (1 + rise))
        state.point_loss.fill_(100.0 if state.point_loss.isfinite() else torch.inf)
        tried = state.variable.clone()
        advance_quasi_newton(state, loss, torch.full((1, 1, 3), 1e-4), settings_, None)
        assert torch.equal(state.answer, tried) == taken, rise


def test_no_move_is_longer_than_the_reach() -> None:
    state = QuasiNewtonState.start(torch.zeros(2, 1, 3), options())
    for _ in range(6):
        before = state.answer.clone()
        advance_quasi_newton(state, *quadratic(state.variable), options(), None, reach=0.25)
        assert ((state.variable - state.answer).flatten(1).norm(dim=1) <= 0.25 * (1 + 1e-5)).all()
        assert ((state.answer - before).flatten(1).norm(dim=1) <= 0.25 * (1 + 1e-5)).all()
    assert (state.point_loss < state.history[:, 0, 0]).all()


def test_images_do_not_touch_each_other() -> None:
    start = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(2))
    together = QuasiNewtonState.start(start, options())
    alone = [QuasiNewtonState.start(start[i : i + 1], options()) for i in (0, 2)]
    for step in range(15):
        losses, gradient = quadratic(together.variable)
        if step >= 5:
            losses[1] = torch.nan
        advance_quasi_newton(together, losses, gradient, options(), None)
        for state in alone:
            advance_quasi_newton(state, *quadratic(state.variable), options(), None)
    for row, state in zip((0, 2), alone, strict=True):
        torch.testing.assert_close(together.answer[row], state.answer[0], rtol=1e-5, atol=1e-5)


def test_a_trial_that_is_not_finite_is_refused_and_the_run_goes_on() -> None:
    state = QuasiNewtonState.start(torch.zeros(1, 1, 3), options())
    advance_quasi_newton(state, *quadratic(state.variable), options(), None)
    losses, gradient = quadratic(state.variable)
    advance_quasi_newton(state, losses * torch.nan, gradient, options(), None)
    assert state.status.tolist() == [RUNNING]
    assert state.length.item() == pytest.approx(0.1)
    while state.status.item() == RUNNING:
        advance_quasi_newton(state, *quadratic(state.variable), options(), None)
    assert state.point_loss.item() < 1e-4


@pytest.mark.parametrize("part", ["losses", "gradient"])
def test_a_first_point_that_is_not_finite_is_divergence(part: str) -> None:
    state = QuasiNewtonState.start(torch.zeros(1, 1, 3), options())
    losses, gradient = quadratic(state.variable)
    (losses if part == "losses" else gradient).fill_(torch.nan)
    advance_quasi_newton(state, losses, gradient, options(), None)
    assert state.status.tolist() == [DIVERGED]
    assert state.step.tolist() == [0]
    assert torch.equal(state.answer, torch.zeros(1, 1, 3))


def test_a_line_on_which_nothing_is_better_ends_the_run() -> None:
    state = QuasiNewtonState.start(torch.zeros(1, 1, 2), options())
    calls = 0
    while state.status.item() == RUNNING:
        calls += 1
        advance_quasi_newton(state, torch.full((1, 2), float(calls)), torch.ones(1, 1, 2), options(), None)
    assert state.status.item() == PLATEAU
    assert calls < 30
    assert torch.equal(state.answer, torch.zeros(1, 1, 2))


def test_a_plateau_stops_the_run_as_in_the_papers_schedule() -> None:
    settings_ = options(plateau_steps=4, plateau_tolerance=0.5)
    state = QuasiNewtonState.start(torch.zeros(1, 1, 2), settings_)
    loss = 10.0
    while state.status.item() == RUNNING:
        loss -= 0.01
        advance_quasi_newton(state, torch.full((1, 2), loss), torch.full((1, 1, 2), 1e-3), settings_, None)
    assert state.status.item() == PLATEAU
    assert state.step.item() == 5


def test_a_finished_image_never_moves_again_and_no_tensor_changes_its_place() -> None:
    settings_ = options(steps=3)
    state = QuasiNewtonState.start(torch.zeros(1, 1, 3), settings_)
    places = {f.name: getattr(state, f.name).data_ptr() for f in fields(state)}
    for _ in range(3):
        advance_quasi_newton(state, *quadratic(state.variable), settings_, None)
    before = state.select(0)
    assert state.status.tolist() == [FINISHED]
    advance_quasi_newton(state, *quadratic(state.variable), settings_, None)
    for f in fields(state):
        torch.testing.assert_close(getattr(state, f.name), getattr(before, f.name), equal_nan=True, rtol=0, atol=0)
        assert getattr(state, f.name).data_ptr() == places[f.name]


def test_the_memory_forgets_the_oldest_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lbfgs, "MEMORY", 3)
    state = QuasiNewtonState.start(torch.zeros(1, 1, 8), options())
    kept = []
    for _ in range(8):
        advance_quasi_newton(state, *quadratic(state.variable), options(), None)
        kept.append(state.moves[0, -1].clone())
    assert state.moves.shape == (1, 3, 8)
    recent = [move for i, move in enumerate(kept) if i == 0 or not torch.equal(move, kept[i - 1])]
    torch.testing.assert_close(state.moves[0], torch.stack(recent[-3:]))


def test_stacking_and_selecting_keep_every_field() -> None:
    states = [QuasiNewtonState.start(torch.randn(1, 2, 3), options()) for _ in range(2)]
    for state in states:
        for _ in range(4):
            advance_quasi_newton(state, *quadratic(state.variable), options(), None)
    stacked = QuasiNewtonState.stack(states)
    for i, state in enumerate(states):
        for f in fields(state):
            torch.testing.assert_close(
                getattr(stacked.select(i), f.name), getattr(state, f.name), equal_nan=True, rtol=0, atol=0
            )
