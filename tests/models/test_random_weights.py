"""Random networks: the same everywhere, and with signals of a sane size."""

import torch

from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec


def test_a_seed_names_one_network() -> None:
    digest = random_weights(standard_spec(16, 8, 16), seed=7).digest()
    assert digest == "8c503b5c9800e4cca1503e3b31bd23937189064dc268d6e509d544694fb610e5", (
        "the random networks changed: every stored latent of theirs is void"
    )


def test_signals_neither_vanish_nor_explode() -> None:
    generator = Generator.from_weights(random_weights(standard_spec(64, 32, 64), seed=0))
    w = generator.mapping(torch.randn(64, 64))
    assert 0.2 < float(w.std()) < 2
    images = generator(generator.broadcast(w[:4]))
    assert 0.1 < float(images.std()) < 1


def test_the_random_network_has_every_tensor_of_the_canonical_form() -> None:
    weights = random_weights(standard_spec(16, 8, 16), seed=0)
    assert weights.tensors["synthesis.layers.2.weight"].shape == (8, 8, 3, 3)
    assert set(Generator(weights.spec).state_dict()) == set(weights.tensors)
