"""The baseline computes what it is compared with, the slow way."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks.speed.baseline import BaselineEmbedding, BaselineFeatures, BaselineGenerator
from benchmarks.speed.baseline_stylegan2 import BaselineStyleGan2
from i2s_trt.errors import ModelError
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from i2s_trt.models.vgg import Vgg16

SPEC = standard_spec(32, 24, 16)


@pytest.fixture(scope="module")
def weights() -> GeneratorWeights:
    return random_weights(SPEC, seed=5)


def test_it_renders_the_same_picture(weights: GeneratorWeights) -> None:
    w_plus = torch.randn(3, SPEC.num_layers, SPEC.w_dim)
    with torch.no_grad():
        expected, actual = Generator.from_weights(weights)(w_plus), BaselineGenerator(weights)(w_plus)
    torch.testing.assert_close(actual, expected, atol=2e-4, rtol=1e-3)


def test_it_renders_a_real_network(tiny: Generator) -> None:
    from i2s_trt.checkpoints.read import read_checkpoint
    from tests.conftest import DATA

    w_plus = torch.randn(2, tiny.num_layers, tiny.w_dim)
    with torch.no_grad():
        actual = BaselineGenerator(read_checkpoint(DATA / "tiny32.pkl").weights)(w_plus)
        torch.testing.assert_close(actual, tiny(w_plus), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("clamp", [None, 0.5])
def test_it_renders_the_same_picture_of_a_stylegan2(clamp: float | None) -> None:
    spec = replace(stylegan2_spec(32, 24, 16), conv_clamp=clamp)
    weights = random_weights(spec, seed=5)
    w_plus = torch.randn(3, spec.num_layers, spec.w_dim)
    with torch.no_grad():
        expected, actual = Generator.from_weights(weights)(w_plus), BaselineStyleGan2(weights)(w_plus)
    torch.testing.assert_close(actual, expected, atol=2e-4, rtol=1e-3)


def test_every_weight_of_a_stylegan2_gets_a_gradient(vgg: Vgg16) -> None:
    targets = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    embedding = BaselineEmbedding(random_weights(stylegan2_spec(16, 24, 16), seed=5), vgg, targets)
    losses = [embedding.step() for _ in range(4)]
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in embedding.parameters())


@pytest.mark.parametrize("change", [{"topology": "resnet"}, {"crop": (4, 12)}], ids=str)
def test_it_refuses_what_such_programs_do_not_run_of_a_stylegan2(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="square models of the skip topology"):
        BaselineStyleGan2(random_weights(replace(stylegan2_spec(16, 8, 8), **change), seed=1))


def test_its_loss_falls_and_every_weight_gets_a_gradient(weights: GeneratorWeights, vgg: Vgg16) -> None:
    targets = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    embedding = BaselineEmbedding(weights, vgg, targets)
    losses = [embedding.step() for _ in range(6)]
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in embedding.parameters())
    unchanged = embedding.generator.const
    torch.testing.assert_close(unchanged, weights.tensors["synthesis.const"], atol=0, rtol=0)


def test_its_features_are_of_reduced_pictures(vgg: Vgg16) -> None:
    features = BaselineFeatures(vgg)
    for side, seen in ((512, 256), (64, 64)):
        found = features(torch.zeros(1, 3, side, side))
        assert [feature.shape[1] for feature in found] == [64, 64, 256, 512]
        assert [feature.shape[-1] for feature in found] == [seen, seen, seen // 4, seen // 8]


@pytest.mark.parametrize("change", [{"lod": 1.0}, {"crop": (4, 28)}])
def test_models_that_such_programs_do_not_run_are_refused(weights: GeneratorWeights, change: dict[str, object]) -> None:
    other = replace(weights, spec=replace(SPEC, **change))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="fully grown square"):
        BaselineGenerator(other)
