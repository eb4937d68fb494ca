"""StyleGAN2's networks by themselves: shapes, rows, modulation, precisions, and what they refuse."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.errors import ModelError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.stylegan2 import DEMODULATION_EPSILON, modulation


def generator(resolution: int = 16, **changes: Any) -> Generator:
    return Generator.from_weights(random_weights(replace(stylegan2_spec(resolution, 6, 8), **changes), seed=2))


@pytest.mark.parametrize(
    ("resolution", "layers", "crossover"), [(4, 2, 1), (8, 4, 1), (256, 14, 6), (1024, 18, 8), (2048, 20, 9)]
)
def test_rows_of_w_plus(resolution: int, layers: int, crossover: int) -> None:
    spec = stylegan2_spec(resolution)
    assert (spec.num_layers, spec.crossover) == (layers, crossover)
    assert spec.layer_resolution(layers - 1) == resolution
    assert spec.layer_resolution(layers - 2) == resolution


def test_the_papers_crossover_is_at_the_same_resolution_in_both() -> None:
    first, second = standard_spec(1024), stylegan2_spec(1024)
    assert first.layer_resolution(first.crossover) == second.layer_resolution(second.crossover) == 64
    assert first.layer_resolution(first.crossover - 1) == second.layer_resolution(second.crossover - 1) == 64
    assert first.layer_resolution(first.crossover - 2) == second.layer_resolution(second.crossover - 2) == 32


@torch.no_grad()
def test_every_row_matters_and_only_its_own_activations() -> None:
    network = generator()
    w_plus = network.broadcast(network.mapping(torch.randn(1, 8))).clone()
    before = list(network.synthesis.activations(w_plus))
    picture = network(w_plus)
    for row in range(network.num_layers):
        changed = w_plus.clone()
        changed[:, row] += 1
        assert not torch.equal(network(changed), picture), row
        for index, (old, new) in enumerate(zip(before, network.synthesis.activations(changed), strict=True)):
            assert torch.equal(old, new) == (index < row), (row, index)


@pytest.mark.parametrize("topology", ["skip", "resnet", "orig"])
def test_style_weights_are_those_that_read_a_row(topology: Any) -> None:
    network = generator(topology=topology)
    weights = network.synthesis.style_weights()
    assert len(weights) == network.num_layers
    assert all(weight.shape[1] == network.w_dim for weight in weights)
    assert len(weights[-1]) == network.spec.channels[-1]  # of the last conversion to RGB alone
    assert len(weights[1]) == network.spec.channels[0] * (2 if topology == "skip" else 1)


@given(size=st.floats(1e-3, 1e4), seed=st.integers(0, 99))
def test_demodulation_takes_the_size_of_a_style_out(size: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    style, energy = torch.randn(2, 5, generator=random) + 1, torch.rand(3, 5, generator=random) + 0.1
    s, d = modulation(style * size, energy)
    wanted = style * size * torch.rsqrt((style * size).square() @ energy.T + DEMODULATION_EPSILON)[:, :1]
    torch.testing.assert_close(s * d[:, :1], wanted, rtol=1e-4, atol=1e-6)
    assert float(s.abs().max()) <= 1.0


def test_a_style_of_zeros_gives_no_nan() -> None:
    s, d = modulation(torch.zeros(1, 4), torch.ones(2, 4))
    assert torch.isfinite(s).all()
    assert torch.isfinite(d).all()


@torch.no_grad()
@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_activations_stay_within_their_bound(bound: float) -> None:
    network = generator(conv_clamp=bound)
    w_plus = network.broadcast(network.mapping(torch.randn(2, 8)))
    assert all(float(x.abs().max()) <= bound * (1 + 1e-6) for x in network.synthesis.activations(w_plus))


@torch.no_grad()
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_precisions(dtype: torch.dtype, tolerance: float) -> None:
    network = generator(32)
    w_plus = network.broadcast(network.mapping(torch.randn(2, 8)))
    wanted = network.synthesis(w_plus)
    found = generator(32).synthesis.to_precision(dtype)(w_plus)
    assert found.dtype == torch.float32
    assert float((found - wanted).square().mean().sqrt() / wanted.std()) < tolerance


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topology": "pyramid"}, "no topology 'pyramid'"), ({"resample_taps": (1.0, 2.0, 1.0)}, "of 3 taps"),
        ({"conv_clamp": 0.0}, "leaves no activation"), ({"lod": 1.0}, "no level of detail"),
        ({"layerwise_mapping": True}, "one w for all layers"), ({"architecture": "stylegan3"}, "no architecture"),
        ({"resolution": 24}, "not a power of two from 4"), ({"channels": (4,) * 4}, "channel counts belong"),
        ({"resolution": 4096, "channels": (4,) * 11}, "larger than any StyleGAN2's 2048"),
    ],
    ids=str,
)  # fmt: skip
def test_specs_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        replace(stylegan2_spec(16, 6, 8), **changes)


def test_a_spec_goes_through_json_and_an_older_one_still_reads() -> None:
    spec = replace(stylegan2_spec(16, 6, 8), topology="resnet", conv_clamp=256.0)
    assert GeneratorSpec.from_json(spec.to_json()) == spec
    new = ("architecture", "topology", "resample_taps", "conv_clamp", "normalize_label")
    old = {name: value for name, value in standard_spec(16).to_json().items() if name not in new}
    assert GeneratorSpec.from_json(old) == standard_spec(16)
    assert not any(name in standard_spec(16).identity() for name in new)


def test_latents_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match="w_plus has shape"):
        generator().synthesis(torch.zeros(1, 7, 8))
