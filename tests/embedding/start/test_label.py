"""Embedding in Z under a class of a conditional model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Pixels
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.spaces import initial_variable, to_w_plus
from i2s_trt.errors import UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.seeds import w_plus_from_seed, z_from_seed

Z = EmbedOptions(steps=5, space="z", objective=ObjectiveOptions(layer_weights={}))


@pytest.fixture(scope="module")
def conditional() -> Generator:
    return Generator.from_weights(random_weights(replace(stylegan2_spec(8, 8, 16), label_size=3), seed=0))


@pytest.fixture(scope="module")
def picture() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_a_class_in_z_is_the_class_of_a_seed(conditional: Generator) -> None:
    z = torch.from_numpy(z_from_seed(7, conditional.z_dim))[None]
    ours = to_w_plus(conditional, z, "z", 2)[0].numpy()
    np.testing.assert_array_equal(ours, w_plus_from_seed(conditional, 7, psi=1.0, label=2))


@pytest.mark.parametrize("label", [0, 1, None])
def test_the_start_is_nearer_to_the_mean_than_samples_of_its_class(conditional: Generator, label: int | None) -> None:
    def away(z: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            offset: torch.Tensor = to_w_plus(conditional, z, "z", label) - conditional.mean_w
        length: torch.Tensor = torch.linalg.vector_norm(offset.flatten(1), dim=1)
        return length

    start = initial_variable(conditional, replace(Z, label=label), seed=1)
    samples = torch.randn(100, conditional.z_dim, generator=torch.Generator().manual_seed(0))
    assert float(away(start[None])) < float(away(samples).quantile(0.05))


def test_every_class_leads_elsewhere(conditional: Generator, vgg: Vgg16, picture: Pixels) -> None:
    found = [embed(conditional, [picture], replace(Z, label=label), vgg=vgg)[0].latent for label in (0, 1, None)]
    assert len({latent.w_plus.tobytes() for latent in found}) == 3
    assert [latent.options.get("label") for latent in found] == [0, 1, None]
    assert all(latent.losses["total"] < latent.curve[0, 0] for latent in found)


def test_records_of_runs_without_a_label_are_as_they_were() -> None:
    assert "label" not in Z.to_json()
    assert replace(Z, label=0).digest() != Z.digest()


def test_a_class_that_there_is_not(conditional: Generator, toy: Generator, vgg: Vgg16, picture: Pixels) -> None:
    with pytest.raises(UsageError, match="no label 3"):
        embed(conditional, [picture], replace(Z, label=3), vgg=vgg)
    with pytest.raises(UsageError, match="unconditional"):
        embed(toy, [np.zeros((16, 16, 3), np.uint8)], replace(Z, label=0), vgg=vgg)
    with pytest.raises(UsageError, match=r"label 1 has no part in W\+"):
        EmbedOptions(label=1)
