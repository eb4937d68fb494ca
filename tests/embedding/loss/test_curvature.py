"""The mean curvature of a model's loss, and the metric made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.loss.curvature import (
    curvature_path,
    damped,
    latents_around,
    measured_curvature,
    metric,
    model_curvature,
)
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

PIXEL = ObjectiveOptions(layer_weights={}, input_scale="unit")


@pytest.fixture(scope="module")
def small() -> Generator:
    """An 8x8 model whose whole Jacobian is quickly written down."""
    return Generator.from_weights(random_weights(standard_spec(8, 8, 12), seed=1))


@pytest.mark.parametrize(
    "options", [PIXEL, ObjectiveOptions(pixel_weight=2.0, layer_weights={"conv1_1": 0.5, "conv1_2": 3.0})]
)
def test_the_residuals_squares_are_the_loss(small: Generator, vgg: Vgg16, options: ObjectiveOptions) -> None:
    images, targets = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    objective = Objective(targets, vgg, options)
    pairs = zip(curvature._residuals(images, objective), curvature._residuals(targets, objective), strict=True)
    total = sum(float((ours - theirs).square().sum()) for ours, theirs in pairs)
    assert total == pytest.approx(float(objective(images)[0, 0]), rel=1e-4)


def test_many_probes_at_one_point_find_the_gauss_newton_matrix(
    small: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = small.mean_w_plus.clone() + 0.1
    monkeypatch.setattr(curvature, "POINTS", 1)
    monkeypatch.setattr(curvature, "PROBES", 4000)
    monkeypatch.setattr(curvature, "latents_around", lambda *_: point.unsqueeze(0))
    found = measured_curvature(small, vgg, PIXEL)
    objective = Objective(torch.zeros(1, 3, 8, 8), vgg, PIXEL)
    jacobian = torch.func.jacrev(lambda w: curvature._residuals(small(w.unsqueeze(0)), objective)[0].flatten())(point)
    for layer in range(small.num_layers):
        expected = jacobian[:, layer].T @ jacobian[:, layer]
        assert float((found[layer] - expected).norm() / expected.norm()) < 0.1


def test_the_metric_is_a_positive_inverse_and_flat_directions_stay_small() -> None:
    root = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(4))
    root[:, :, 0] = 0.0  # nothing depends on the first component
    blocks = root.transpose(1, 2) @ root
    inverse = metric(blocks, "w+")
    assert inverse is not None
    torch.testing.assert_close(inverse, inverse.transpose(1, 2))
    eigenvalues = torch.linalg.eigvalsh(inverse)
    mean = blocks.diagonal(dim1=1, dim2=2).mean()
    assert eigenvalues.min() > 0
    assert eigenvalues.max() <= 1 / (curvature.DAMPING * mean) * 1.001
    torch.testing.assert_close(inverse[:, 0, 0], (1 / (curvature.DAMPING * mean)).expand(3))


def test_the_metric_of_a_real_model_s_size_on_two_threads() -> None:
    """Where a general inverse of several matrices has been seen to fail."""
    blocks = torch.randn(12, 384, 384, generator=torch.Generator().manual_seed(6))
    blocks, threads = blocks @ blocks.transpose(1, 2), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        inverse = metric(blocks, "w+")
    finally:
        torch.set_num_threads(threads)
    assert inverse is not None
    identity = torch.eye(384, dtype=torch.float64).expand(12, -1, -1)
    torch.testing.assert_close(inverse.double() @ damped(blocks), identity, rtol=0, atol=1e-3)


def test_the_metric_scales_with_the_latents() -> None:
    root = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(5))
    blocks = root.transpose(1, 2) @ root
    plain, scaled = metric(blocks, "w+"), metric(blocks / 9, "w+")  # w three times as long
    assert plain is not None
    assert scaled is not None
    torch.testing.assert_close(9 * plain, scaled)


def test_w_has_one_block_and_z_none() -> None:
    blocks = torch.eye(4).repeat(3, 1, 1)
    one = metric(blocks, "w")
    assert one is not None
    assert one.shape == (1, 4, 4)
    assert metric(blocks, "z") is None


def test_it_is_measured_once_and_kept(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.setattr(curvature, "POINTS", 2)
    monkeypatch.setattr(curvature, "PROBES", 2)
    first = model_curvature(toy, vgg, PIXEL)
    assert first.shape == (toy.num_layers, toy.w_dim, toy.w_dim)
    assert [path.parent.parent for path in own_home.rglob("*.safetensors")] == [own_home]
    with monkeypatch.context() as patch:
        patch.setattr(curvature, "measured_curvature", lambda *_: pytest.fail("measured again"))
        assert torch.equal(model_curvature(toy, vgg, PIXEL), first)
    path = curvature_path(toy, vgg, PIXEL)
    path.write_bytes(path.read_bytes()[:-5])
    assert torch.equal(model_curvature(toy, vgg, PIXEL), first)


def test_a_store_that_cannot_be_written_is_no_obstacle(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.setattr(curvature, "POINTS", 1)
    monkeypatch.setattr(curvature, "PROBES", 1)
    (own_home / "curvature").write_text("in the way")
    assert model_curvature(toy, vgg, PIXEL).isfinite().all()


def test_models_and_objectives_have_curvatures_of_their_own(toy: Generator, small: Generator, vgg: Vgg16) -> None:
    objectives = [PIXEL, replace(PIXEL, pixel_weight=2.0), ObjectiveOptions()]
    paths = {curvature_path(model, vgg, objective) for model in (toy, small) for objective in objectives}
    assert len(paths) == 6


def test_the_style_loss_alone_cannot_be_measured(toy: Generator, vgg: Vgg16) -> None:
    with pytest.raises(UsageError, match="style loss alone") as caught:
        measured_curvature(toy, vgg, ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=1.0))
    assert "--schedule paper" in caught.value.hint


def test_latents_around_the_samples_reach_as_far_as_they_are_told(toy: Generator) -> None:
    near, far = (latents_around(toy, 24, (spread,), torch.Generator().manual_seed(0)) for spread in (0.0, 3.0))
    assert near.shape == (24, toy.num_layers, toy.w_dim)
    assert (far - toy.mean_w).norm() > 2 * (near - toy.mean_w).norm()
    same = (near[:, :1] == near).all(dim=2).all(dim=1)
    assert same[0]  # every third is one w repeated
    assert not same[2]
