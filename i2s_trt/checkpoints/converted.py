"""A converted network, and what has to be made up because its file lacks it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.models.mapping import Mapping as MappingNetwork
from i2s_trt.models.spec import GeneratorSpec

INCOMPLETE = "the file is incomplete, or another network's: download it again"
DEFAULTS_SEED = 0  # of noise maps and mean latents that a file does not contain
MEAN_SAMPLES = 10_000
_CHANNELS = {1: "one channel, grey pictures", 2: "two channels", 4: "four channels, pictures with transparency"}
_USUAL_WIDTH = 1024  # of what a mapping network takes and computes; all samples at once fit into the memory
_USUAL_ROWS = 18 * 512  # of what one ends with that maps to every layer


@dataclass(frozen=True)
class Converted:
    """The canonical weights, and what had to be made up because the file lacks it."""

    weights: GeneratorWeights
    notes: tuple[str, ...] = field(default=())


def scaled(raw: Tensor, factor: float) -> Tensor:
    """Raw values times their run-time coefficient, float32; computed in float64 where the file has that."""
    values = raw.detach()
    return ((values if values.dtype == torch.float64 else values.float()) * factor).float()


def complete(
    spec: GeneratorSpec, tensors: dict[str, Tensor], convolutions: int, notes: tuple[str, ...] = ()
) -> Converted:
    """The canonical weights once what the file lacks is made up.

    Args:
        spec: of the network.
        tensors: that the file has, times their coefficients; is changed.
        convolutions: layers that have a noise map.
        notes: on the file.

    Raises:
        CheckpointError: a number of the file was finite, and is not as float32 or times its coefficient.
    """
    notes += _fill_noise(spec, tensors, convolutions) + _fill_mean(spec, tensors)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"the tensor that becomes {name} holds values beyond those of float32, in which networks compute",
                "the training diverged, or the file is damaged: take another one",
            )
    return Converted(GeneratorWeights(spec, {name: tensor.contiguous() for name, tensor in tensors.items()}), notes)


def count_layers(names: Mapping[str, object], pattern: str) -> int:
    """How many names there are of a pattern with a number, from 0 on."""
    count = 0
    while pattern.format(count) in names:
        count += 1
    return count


def _fill_noise(spec: GeneratorSpec, tensors: dict[str, Tensor], convolutions: int) -> tuple[str, ...]:
    """Draw the noise maps that the file lacks, from a fixed seed."""
    names = [f"synthesis.layers.{i}.noise" for i in range(convolutions)]
    missing = [i for i, name in enumerate(names) if name not in tensors]
    random = np.random.default_rng(DEFAULTS_SEED)
    for layer in missing:
        size = spec.layer_resolution(layer)
        tensors[names[layer]] = torch.from_numpy(random.standard_normal((1, 1, size, size), dtype=np.float32))
    return (f"{len(missing)} noise maps were not in the file; drawn from seed {DEFAULTS_SEED}",) if missing else ()


def _fill_mean(spec: GeneratorSpec, tensors: dict[str, Tensor]) -> tuple[str, ...]:
    """Average the mapping over samples when the file lacks the mean latent."""
    if "mean_w" in tensors:
        return ()
    mapping = MappingNetwork(spec)
    mapping.load_state_dict({k.removeprefix("mapping."): v for k, v in tensors.items() if k.startswith("mapping.")})
    tensors["mean_w"] = _mean_of_samples(mapping, spec)
    return (f"the mean latent was not in the file; averaged over {MEAN_SAMPLES} samples of seed {DEFAULTS_SEED}",)


def _mean_of_samples(mapping: MappingNetwork, spec: GeneratorSpec) -> Tensor:
    """The mean latent [D]; of usual widths in one piece, on whose last bits the digests of such models depend."""
    random, piece = np.random.default_rng(DEFAULTS_SEED), _piece(spec)

    def mapped(count: int) -> Tensor:
        z = torch.from_numpy(random.standard_normal((count, spec.z_dim), dtype=np.float32))
        with torch.no_grad():
            w: Tensor = mapping(z)
        return w.view(-1, spec.w_dim)

    if piece == MEAN_SAMPLES:
        return mapped(MEAN_SAMPLES).mean(dim=0)
    total = torch.zeros(spec.w_dim, dtype=torch.float64)
    for first in range(0, MEAN_SAMPLES, piece):
        count = min(piece, MEAN_SAMPLES - first)
        total += mapped(count).double().mean(dim=0) * count / MEAN_SAMPLES
    return total.float()


def _piece(spec: GeneratorSpec) -> int:
    """How many samples are mapped at a time: a small file can be so wide that all of them would fill the memory."""
    widest = max(spec.z_dim + spec.label_features, spec.label_size, *spec.mapping_widths[:-1], 1)
    rows = spec.mapping_widths[-1]
    if widest <= _USUAL_WIDTH and rows <= _USUAL_ROWS:
        return MEAN_SAMPLES
    return max(1, MEAN_SAMPLES * _USUAL_WIDTH // max(widest, rows))


def check_tensors(tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise CheckpointError if a tensor has not the shape that its architecture asks for, or holds no numbers."""
    for name, tensor in tensors.items():
        shape = list(tensor.shape)
        if name == "synthesis.const" and len(shape) == 4 and shape[2] != shape[3]:
            height, width = shape[2:]
            raise CheckpointError(
                f"this network starts from {width}x{height} pixels, and only those that start from a square are known",
                "a square model that shows a part of its output can be read: i2s-trt models import --crop-columns",
            )
        _refuse_channels(name, shape)
        if name not in shapes or shape != list(shapes[name]):
            wanted = f"{list(shapes[name])}" if name in shapes else "none at all"
            raise CheckpointError(
                f"the tensor that becomes {name} has shape {shape}; this architecture has {wanted}", INCOMPLETE
            )
        check_numbers(name, tensor)


def _refuse_channels(name: str, shape: list[int]) -> None:
    """Raise CheckpointError if a conversion to RGB gives other than three channels."""
    draws = re.fullmatch(r"synthesis\.to_rgb\.\d+\.(weight|bias)", name)
    if draws and shape and shape[0] in _CHANNELS and len(shape) == (4 if draws[1] == "weight" else 1):
        what = _CHANNELS[shape[0]]
        raise CheckpointError(
            f"this network draws {what}, and only those that draw three channels of colour are known",
            "use a model that was trained on pictures in colour",
        )


def check_numbers(name: str, tensor: Tensor) -> None:
    """Raise CheckpointError if a tensor is not made of finite floating-point numbers."""
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise CheckpointError(
            f"the tensor that becomes {name} is made of {kind}, where floating-point numbers belong", INCOMPLETE
        )
    if not torch.isfinite(tensor).all():
        raise CheckpointError(
            f"the tensor that becomes {name} holds values that are not finite",
            "the training diverged, or the file is damaged: take another one",
        )
