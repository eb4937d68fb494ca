"""A converted network, and what has to be made up because its file lacks it."""

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


@dataclass(frozen=True)
class Converted:
    """The canonical weights, and what had to be made up because the file lacks it."""

    weights: GeneratorWeights
    notes: tuple[str, ...] = field(default=())


def scaled(raw: Tensor, factor: float) -> Tensor:
    """Raw values times their run-time coefficient, float32; computed in float64 where the file has that."""
    values = raw.detach()
    return ((values if values.dtype == torch.float64 else values.float()) * factor).float()


def count_layers(names: Mapping[str, object], pattern: str) -> int:
    """How many names there are of a pattern with a number, from 0 on."""
    count = 0
    while pattern.format(count) in names:
        count += 1
    return count


def fill_noise(spec: GeneratorSpec, tensors: dict[str, Tensor], convolutions: int) -> tuple[str, ...]:
    """Draw the noise maps that the file lacks, from a fixed seed."""
    names = [f"synthesis.layers.{i}.noise" for i in range(convolutions)]
    missing = [i for i, name in enumerate(names) if name not in tensors]
    random = np.random.default_rng(DEFAULTS_SEED)
    for layer in missing:
        size = spec.layer_resolution(layer)
        tensors[names[layer]] = torch.from_numpy(random.standard_normal((1, 1, size, size), dtype=np.float32))
    return (f"{len(missing)} noise maps were not in the file; drawn from seed {DEFAULTS_SEED}",) if missing else ()


def fill_mean(spec: GeneratorSpec, tensors: dict[str, Tensor]) -> tuple[str, ...]:
    """Average the mapping over samples when the file lacks the mean latent."""
    if "mean_w" in tensors:
        return ()
    mapping = MappingNetwork(spec)
    mapping.load_state_dict({k.removeprefix("mapping."): v for k, v in tensors.items() if k.startswith("mapping.")})
    random = np.random.default_rng(DEFAULTS_SEED)
    z = torch.from_numpy(random.standard_normal((MEAN_SAMPLES, spec.z_dim), dtype=np.float32))
    with torch.no_grad():
        tensors["mean_w"] = mapping(z).view(-1, spec.w_dim).mean(dim=0)
    return (f"the mean latent was not in the file; averaged over {MEAN_SAMPLES} samples of seed {DEFAULTS_SEED}",)


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
        if name not in shapes or shape != list(shapes[name]):
            wanted = f"{list(shapes[name])}" if name in shapes else "none at all"
            raise CheckpointError(
                f"the tensor that becomes {name} has shape {shape}; this architecture has {wanted}", INCOMPLETE
            )
        check_numbers(name, tensor)


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
