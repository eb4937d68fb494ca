"""The pull towards the model's samples: its formula, what it costs, and what it does to a run."""

import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from i2s_trt.embedding.embed import Embedding, EmbedProblem, embed
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.loss.curvature import curvature_path, damped, metric
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.loss.prior import Prior
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.spaces import to_w_plus, variable_shape
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

PIXELS = ObjectiveOptions(layer_weights={})
WEIGHT = 0.06
CHARGED = replace(PIXELS, prior_weight=WEIGHT)


@pytest.fixture(scope="module")
def prior(toy: Generator) -> Prior:
    return Prior(toy, WEIGHT)


@pytest.fixture(scope="module")
def quick_curvature() -> Any:
    """Few probes: what is tested is not how well the curvature is known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curvature, "POINTS", 2)
        patch.setattr(curvature, "PROBES", 4)
        yield


def sampled(generator: Generator, count: int, seed: int) -> Tensor:
    z = torch.randn(count, generator.z_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        w: Tensor = generator.mapping(z)
        return w


def pictures(generator: Generator, *names: str) -> list[Any]:
    return [fit_picture(example_picture(name), generator.spec) for name in names]


def embedded(generator: Generator, objective: ObjectiveOptions, vgg: Vgg16, **changes: Any) -> Embedding:
    options = EmbedOptions(**{"steps": 120, "objective": objective, **changes})
    return embed(generator, pictures(generator, "astronaut"), options, vgg=vgg)[0]


def test_the_precision_is_the_inverse_of_the_samples_covariance_and_its_mean(toy: Generator, prior: Prior) -> None:
    covariance = sampled(toy, 40_000, seed=8).double().T.cov()
    widened = covariance + covariance.diagonal().mean() * torch.eye(toy.w_dim)
    product = widened @ prior.precision.double()
    torch.testing.assert_close(product, torch.eye(toy.w_dim, dtype=torch.float64), rtol=0, atol=0.05)
    torch.testing.assert_close(prior.precision, prior.precision.T)
    assert torch.linalg.eigvalsh(prior.precision).min() > 0


def test_it_is_the_same_every_time(toy: Generator, prior: Prior) -> None:
    assert torch.equal(Prior(toy, 1.0).precision, prior.precision)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_the_charge_is_the_quadratic_form_of_every_row(toy: Generator, prior: Prior, seed: int, count: int) -> None:
    random = torch.Generator().manual_seed(seed)
    w_plus = toy.mean_w + torch.randn(count, toy.num_layers, toy.w_dim, generator=random)
    offsets, precision = (w_plus - toy.mean_w).double().numpy(), prior.precision.double().numpy()
    wanted = [sum(row @ precision @ row for row in offset) for offset in offsets]
    np.testing.assert_allclose(prior(w_plus).numpy(), wanted, rtol=1e-4)


def test_the_mean_latent_is_free_and_samples_are_cheap(toy: Generator, prior: Prior) -> None:
    assert float(prior(toy.mean_w_plus.unsqueeze(0))) == 0
    samples = toy.broadcast(sampled(toy, 200, seed=9))
    offsets = samples - toy.mean_w
    elsewhere = torch.randn(offsets.shape, generator=torch.Generator().manual_seed(1))
    elsewhere *= offsets.norm(dim=(1, 2), keepdim=True) / elsewhere.norm(dim=(1, 2), keepdim=True)
    assert prior(samples).median() < prior(toy.mean_w + elsewhere).median()
    assert prior(samples).max() < 2 * toy.num_layers * toy.w_dim


def test_the_scale_of_w_does_not_matter(toy: Generator, prior: Prior) -> None:
    large = copy.deepcopy(toy)
    with torch.no_grad():
        for tensor in (*list(large.mapping.parameters())[-2:], large.mean_w):
            tensor.mul_(3)
    ours = sampled(toy, 4, seed=2)
    torch.testing.assert_close(sampled(large, 4, seed=2), 3 * ours)
    torch.testing.assert_close(Prior(large, WEIGHT)(large.broadcast(3 * ours)), prior(toy.broadcast(ours)))


def test_it_is_added_to_the_total_and_told_as_a_term(prior: Prior, toy: Generator) -> None:
    w_plus = toy.broadcast(sampled(toy, 2, seed=3))
    losses = torch.tensor([[5.0, 1.0, 4.0], [7.0, 3.0, 4.0]])
    charge = prior(w_plus)
    wanted = torch.stack([losses[:, 0] + WEIGHT * charge, losses[:, 1], losses[:, 2], charge], dim=1)
    torch.testing.assert_close(prior.added(losses, w_plus), wanted)
    assert CHARGED.terms == ("total", "pixel", "prior")


@pytest.mark.parametrize("space", ["w+", "w", "z"])
@pytest.mark.parametrize("method", ["plain", "fused"])
def test_the_gradient_is_that_of_the_picture_and_of_the_charge(
    toy: Generator, vgg: Vgg16, prior: Prior, space: Any, method: Any
) -> None:
    options = EmbedOptions(method=method, space=space, objective=PIXELS)
    variable = 0.3 * torch.randn(2, *variable_shape(toy, space), generator=torch.Generator().manual_seed(4))
    targets = torch.zeros(2, 3, 16, 16)
    plain, charged = (Gradient(toy, vgg, replace(options, objective=o)) for o in (PIXELS, CHARGED))
    losses, gradient = plain(variable, plain.objective(targets))
    both, slope = charged(variable, charged.objective(targets))
    leaf = variable.clone().requires_grad_(True)
    charge = prior(to_w_plus(toy, leaf, space))
    (pull,) = torch.autograd.grad(WEIGHT * charge.sum(), leaf)
    torch.testing.assert_close(slope, gradient + pull, rtol=1e-4, atol=1e-4 * float(slope.abs().max()))
    torch.testing.assert_close(both, prior.added(losses, to_w_plus(toy, variable, space)))


@pytest.mark.parametrize("schedule", ["paper", "fast"])
@pytest.mark.usefixtures("quick_curvature")
def test_embeddings_stay_nearer_to_the_samples_the_more_it_weighs(
    toy: Generator, vgg: Vgg16, prior: Prior, schedule: Any
) -> None:
    weights = (0.0, 1.0, 30.0)
    runs = [
        embedded(toy, replace(PIXELS, prior_weight=w), vgg, schedule=schedule, steps=120 if schedule == "paper" else 40)
        for w in weights
    ]
    charges = [float(prior(torch.as_tensor(run.latent.w_plus).unsqueeze(0))) for run in runs]
    fits = [run.latent.losses["pixel"] for run in runs]
    assert all(near < far for far, near in pairwise(charges)), charges
    assert all(close < loose for close, loose in pairwise(fits)), fits


def test_the_record_adds_up(toy: Generator, vgg: Vgg16) -> None:
    latent = embedded(toy, CHARGED, vgg, steps=5).latent
    losses = latent.losses
    assert latent.curve_terms == tuple(losses) == ("total", "pixel", "prior")
    assert losses["total"] == pytest.approx(losses["pixel"] + WEIGHT * losses["prior"], rel=1e-5)
    assert latent.curve.shape == (5, 3)
    np.testing.assert_allclose(latent.curve[:, 0], latent.curve[:, 1] + WEIGHT * latent.curve[:, 2], rtol=1e-5)
    assert latent.options["objective"]["prior_weight"] == WEIGHT


@pytest.mark.parametrize("schedule", ["paper", "fast"])
@pytest.mark.usefixtures("quick_curvature")
def test_pictures_of_a_batch_do_not_touch_each_other(toy: Generator, vgg: Vgg16, schedule: Any) -> None:
    options = EmbedOptions(steps=6, schedule=schedule, objective=CHARGED)
    found = pictures(toy, "astronaut", "cat")
    together = embed(toy, found, options, vgg=vgg)
    alone = [embed(toy, [picture], options, vgg=vgg)[0] for picture in found]
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(both.latent.w_plus, one.latent.w_plus)


@pytest.mark.parametrize("space", ["w", "w+", "z"])
@pytest.mark.usefixtures("quick_curvature")
def test_the_fast_schedule_takes_it_in_every_space(toy: Generator, vgg: Vgg16, space: Any) -> None:
    latent = embedded(toy, CHARGED, vgg, space=space, schedule="fast", steps=15).latent
    totals = latent.curve[:, 0]
    assert latent.status == "finished"
    assert latent.losses["total"] < (0.97 if space == "z" else 0.9) * totals[0]  # Z has no metric


def test_a_piece_that_is_not_computed_has_as_many_terms(toy: Generator, vgg: Vgg16) -> None:
    problem = EmbedProblem(
        Embedder(toy, EmbedOptions(steps=2, objective=CHARGED), vgg), pictures(toy, "astronaut", "cat")
    )
    state = problem.start()
    state.status[0] = 3
    losses, gradient = problem.losses_and_gradient(state)
    assert losses.shape == (2, 3)
    assert losses[0].isnan().all()
    assert not gradient[0].any()
    assert losses[1].isfinite().all()


def test_a_step_asks_the_device_for_no_value(toy: Generator, vgg: Vgg16) -> None:
    """On the meta device, where asking for a value raises: what a CUDA graph can capture."""
    options = EmbedOptions(objective=CHARGED)
    generator, features = copy.deepcopy(toy).to("meta"), copy.deepcopy(vgg).to("meta")
    state = EmbedState.start(torch.zeros(2, *variable_shape(toy, "w+"), device="meta"), options)
    targets = torch.zeros(2, 3, 16, 16, device="meta")
    batch = Batch(Gradient(generator, features, options), targets, targets, lambda *_: None, 2, lambda _: None)
    advance(state, *batch(state), options)
    assert state.history.shape == (2, 5000, 3)


def test_the_metric_knows_the_prior_s_curvature(toy: Generator, prior: Prior) -> None:
    root = torch.randn(toy.num_layers, toy.w_dim, toy.w_dim, generator=torch.Generator().manual_seed(6))
    blocks = root @ root.transpose(1, 2)
    heavy = Prior(toy, 50.0)
    for space, whole in (("w+", blocks + 50 * prior.precision), ("w", (blocks + 50 * prior.precision).sum(0)[None])):
        inverse = metric(blocks, space, heavy)  # type: ignore[arg-type]
        assert inverse is not None
        identity = torch.eye(toy.w_dim, dtype=torch.float64).expand(len(whole), -1, -1)
        floor = damped(whole, curvature._DAMPING_BESIDE_PRIOR)
        torch.testing.assert_close(inverse.double() @ floor, identity, rtol=0, atol=1e-3)
    assert metric(blocks, "z", heavy) is None


def test_the_curvature_of_the_pictures_is_the_same_with_and_without(toy: Generator, vgg: Vgg16) -> None:
    assert curvature_path(toy, vgg, CHARGED) == curvature_path(toy, vgg, PIXELS)
    assert EmbedOptions(objective=CHARGED).digest() != EmbedOptions(objective=PIXELS).digest()
