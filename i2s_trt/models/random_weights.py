"""Generators with random weights: for tests, for benchmarks without a checkpoint, and for the paper's Figure 5."""

import math

import numpy as np
import torch
from torch import Tensor

from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec

_FULL_CHANNELS = 512
_BASE_CHANNELS = 8192
_RGB_GAIN = 0.3  # the original's 1 would put most pixels outside [-1, 1]


def standard_spec(resolution: int, channels_max: int = _FULL_CHANNELS, w_dim: int = 512) -> GeneratorSpec:
    """The original's architecture for a resolution: min(8192 / 2^(log2 r - 1), channels_max) feature maps at r."""
    stages = range(1, int(math.log2(resolution)))
    channels = tuple(min(_BASE_CHANNELS // 2**stage, channels_max) for stage in stages)
    return GeneratorSpec(resolution, w_dim, w_dim, channels, (w_dim,) * 8)


def random_weights(spec: GeneratorSpec, seed: int) -> GeneratorWeights:
    """Weights drawn as the original initialises them, except that noise and biases are not zero and colours are tame.

    Drawn with NumPy's PCG64, so that a seed names the same network on every machine.
    """
    random = np.random.default_rng(seed)
    shapes = {name: tuple(tensor.shape) for name, tensor in Generator(spec).state_dict().items()}
    tensors = {name: _draw(random, name, shape) for name, shape in shapes.items() if name != "mean_w"}
    return GeneratorWeights(spec, tensors | {"mean_w": torch.zeros(spec.w_dim)})


def _draw(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> Tensor:
    """Standard deviations follow He initialisation with the gains of StyleGAN1."""
    if name.startswith("synthesis.layers.") and shape[-2:] == (4, 4) and name.endswith(".weight"):
        shape = (shape[1], shape[0], 3, 3)  # a folded kernel: draw the 3x3 it is made of
    deviation = 1.0
    if name.endswith((".noise_weight", ".bias")):
        deviation = 0.1
    elif name.endswith(".weight"):
        gain = _RGB_GAIN if ".to_rgb." in name else 1.0 if ".style." in name else math.sqrt(2)
        deviation = gain / math.sqrt(math.prod(shape[1:]))
    return torch.from_numpy(random.standard_normal(shape, dtype=np.float32) * np.float32(deviation))
