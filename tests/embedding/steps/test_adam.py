"""One step of Algorithm 1: Adam, recording, and who stops when."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.state import DIVERGED, FINISHED, PLATEAU, RUNNING, EmbedState

PIXEL_ONLY = ObjectiveOptions(layer_weights={})


def options(**changes: object) -> EmbedOptions:
    return EmbedOptions(**{"steps": 50, "objective": PIXEL_ONLY, **changes})  # type: ignore[arg-type]


def quadratic(variable: Tensor) -> tuple[Tensor, Tensor]:
    """Losses [N, 2] and gradient of the sum of (x - 3)^2 with uneven curvature."""
    curvature = torch.linspace(0.1, 10, variable[0].numel()).view_as(variable[0])
    total = (curvature * (variable - 3).square()).flatten(1).sum(1)
    return torch.stack([total, total], 1), 2 * curvature * (variable - 3)


@settings(max_examples=20)
@given(rate=st.floats(1e-4, 1.0), beta1=st.floats(0, 0.99), beta2=st.floats(0.5, 0.9999), seed=st.integers(0, 1000))
def test_the_update_is_torchs_adam(rate: float, beta1: float, beta2: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    start, gradients = torch.randn(2, 3, 4, generator=random), torch.randn(30, 2, 3, 4, generator=random)
    settings_ = options(learning_rate=rate, beta1=beta1, beta2=beta2)
    state = EmbedState.start(start, settings_)
    theirs = start.clone().requires_grad_()
    adam = torch.optim.Adam([theirs], rate, (beta1, beta2), 1e-8)
    for gradient in gradients:  # given ones: gradients of one's own position would amplify the rounding
        advance(state, torch.ones(2, 2), gradient, settings_)
        theirs.grad = gradient.clone()
        adam.step()
    torch.testing.assert_close(state.variable, theirs.detach(), rtol=1e-4, atol=1e-4)


def test_history_holds_the_losses_before_each_step() -> None:
    state = EmbedState.start(torch.zeros(2, 1, 3), options(steps=4))
    seen = []
    for _ in range(4):
        losses, gradient = quadratic(state.variable)
        seen.append(losses)
        advance(state, losses, gradient, options(steps=4))
    assert torch.equal(state.history, torch.stack(seen, dim=1))
    assert state.status.tolist() == [FINISHED, FINISHED]


def test_a_finished_image_never_moves_again() -> None:
    settings_ = options(steps=2)
    state = EmbedState.start(torch.zeros(1, 1, 3), settings_)
    for _ in range(2):
        advance(state, *quadratic(state.variable), settings_)
    before = state.select(0)
    advance(state, *quadratic(state.variable), settings_)
    assert torch.equal(state.variable, before.variable)
    assert torch.equal(state.history, before.history)
    assert state.step.tolist() == [2]


def test_no_steps_means_finished_at_once() -> None:
    assert EmbedState.start(torch.zeros(1, 1, 3), options(steps=0)).status.tolist() == [FINISHED]


def test_images_do_not_touch_each_other() -> None:
    start = torch.randn(3, 2, 5)
    together = EmbedState.start(start, options())
    alone = [EmbedState.start(start[i : i + 1], options()) for i in range(3)]
    for step in range(20):
        losses, gradient = quadratic(together.variable)
        if step == 5:
            losses[1] = torch.nan  # the middle one fails
        advance(together, losses, gradient, options())
        for state in (alone[0], alone[2]):
            advance(state, *quadratic(state.variable), options())
    assert together.status.tolist() == [RUNNING, DIVERGED, RUNNING]
    assert torch.equal(together.variable[0], alone[0].variable[0])
    assert torch.equal(together.variable[2], alone[2].variable[0])


def test_a_loss_that_is_not_finite_stops_at_the_last_good_point() -> None:
    state = EmbedState.start(torch.zeros(1, 1, 3), options())
    points = []
    for _ in range(3):
        points.append(state.variable.clone())
        advance(state, *quadratic(state.variable), options())
    losses, gradient = quadratic(state.variable)
    advance(state, losses * torch.inf, gradient, options())
    assert state.status.tolist() == [DIVERGED]
    assert torch.equal(state.variable, points[-1])
    assert state.step.tolist() == [3]


def test_a_gradient_that_is_not_finite_stops_too() -> None:
    state = EmbedState.start(torch.zeros(1, 1, 3), options())
    losses, gradient = quadratic(state.variable)
    gradient[0, 0, 1] = torch.nan
    advance(state, losses, gradient, options())
    assert state.status.tolist() == [DIVERGED]
    assert state.variable.isfinite().all()


def test_a_plateau_stops_after_the_given_steps_and_only_when_asked_for() -> None:
    flat = torch.full((1, 2), 7.0)
    for patience, expected_steps, status in ((5, 6, PLATEAU), (0, 50, FINISHED)):
        settings_ = options(plateau_steps=patience)
        state = EmbedState.start(torch.zeros(1, 1, 3), settings_)
        while state.status.item() == RUNNING:
            advance(state, flat, torch.zeros(1, 1, 3), settings_)
        assert state.step.item() == expected_steps
        assert state.status.item() == status


def test_a_falling_loss_is_no_plateau() -> None:
    settings_ = options(plateau_steps=3, plateau_tolerance=0.01)
    state = EmbedState.start(torch.zeros(1, 1, 3), settings_)
    for step in range(20):
        advance(state, torch.full((1, 2), 0.9**step), torch.zeros(1, 1, 3), settings_)
    assert state.status.item() == RUNNING


def test_stacking_and_selecting_are_inverse() -> None:
    states = [EmbedState.start(torch.randn(1, 2, 3), options()) for _ in range(3)]
    stacked = EmbedState.stack(states)
    for i, state in enumerate(states):
        assert torch.equal(stacked.select(i).variable, state.variable)
        assert stacked.select(i).history.shape == (1, 50, 2)
