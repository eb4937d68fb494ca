"""The networks that tasks name: the model under study, the same with random weights, and others of the store."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

from benchmarks.paper.task import MODEL, RANDOM
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights

_SEED = 5
_SAMPLES = 2000


class Networks:
    """Gives a network by name.

    Args:
        generator: the model under study.
        others: by name.
    """

    def __init__(self, generator: Generator, others: Mapping[str, Generator]) -> None:
        self._generator, self._others = generator, others

    def __call__(self, name: str) -> Generator:
        """The network that a task names."""
        if name == MODEL:
            return self._generator
        return self._random if name == RANDOM else self._others[name]

    @cached_property
    def _random(self) -> Generator:
        return randomised(self._generator)


@torch.no_grad()
def randomised(generator: Generator) -> Generator:
    """A generator of the same architecture with random weights, and the mean latent that belongs to them."""
    weights = random_weights(generator.spec, _SEED)
    z = np.random.default_rng(_SEED).standard_normal((_SAMPLES, generator.z_dim), dtype=np.float32)
    w = Generator.from_weights(weights).mapping(torch.from_numpy(z))
    mean = w.reshape(-1, generator.w_dim).mean(dim=0)  # of all layers, where each has a w of its own
    centred = replace(weights, tensors={**weights.tensors, "mean_w": mean})
    return Generator.from_weights(centred).to(generator.mean_w.device)
