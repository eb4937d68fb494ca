"""Generators with random weights: for tests, for benchmarks without a checkpoint, and for the paper's Figure 5."""

import math

import numpy as np
import torch
from torch import Tensor

from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec

_FULL_CHANNELS = 512
_BASE_CHANNELS = 8192
_STYLEGAN2_CHANNELS = 32768
_RGB_GAIN = 0.3  # the original's 1 would put most pixels outside [-1, 1]
_SUMMED_RGB_GAIN = 0.15  # of a StyleGAN2, whose picture is a sum of those of all resolutions
_CLAMP = 256.0  # as official StyleGAN2s are trained


def standard_spec(resolution: int, channels_max: int = _FULL_CHANNELS, w_dim: int = 512) -> GeneratorSpec:
    """The original's architecture for a resolution: min(8192 / 2^(log2 r - 1), channels_max) feature maps at r."""
    stages = range(1, int(math.log2(resolution)))
    channels = tuple(min(_BASE_CHANNELS // 2**stage, channels_max) for stage in stages)
    return GeneratorSpec(resolution, w_dim, w_dim, channels, (w_dim,) * 8)


def stylegan2_spec(resolution: int, channels_max: int = _FULL_CHANNELS, w_dim: int = 512) -> GeneratorSpec:
    """StyleGAN2's standard architecture (config F): min(32768 / r, channels_max) feature maps at r pixels."""
    channels = tuple(
        min(_STYLEGAN2_CHANNELS // 2**power, channels_max) for power in range(2, int(math.log2(resolution)) + 1)
    )
    return GeneratorSpec(
        resolution, w_dim, w_dim, channels, (w_dim,) * 8,
        truncation_cutoff=2 * len(channels), architecture="stylegan2", conv_clamp=_CLAMP,
    )  # fmt: skip


def random_weights(spec: GeneratorSpec, seed: int) -> GeneratorWeights:
    """Weights drawn as the original initialises them, except that noise and biases are not zero and colours are tame.

    Drawn with NumPy's PCG64, so that a seed names the same network on every machine.
    """
    random = np.random.default_rng(seed)
    shapes = {name: tuple(tensor.shape) for name, tensor in Generator(spec).state_dict().items()}
    derived = ("mean_w", ".energy")
    tensors = {name: _draw(random, name, shape) for name, shape in shapes.items() if not name.endswith(derived)}
    if spec.is_stylegan2:
        tensors = {name: _as_stylegan2(name, tensor) for name, tensor in tensors.items()}
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


def _as_stylegan2(name: str, tensor: Tensor) -> Tensor:
    """Styles count from 1, and colours are added up."""
    if name.endswith(".style.bias"):
        return tensor + 1
    if ".to_rgb." in name and name.endswith(".weight") and ".style." not in name:
        return tensor * (_SUMMED_RGB_GAIN / _RGB_GAIN)
    return tensor
