"""Takes a model that ships back into training, with room for factors that portraits have gained since."""

from __future__ import annotations

import torch
from torch import Tensor

from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.training.equalised import LIFT, THRESHOLDS, EqualisedGenerator
from i2s_trt.training.trainer import Trained


def take_over(model: Trained, shipped: GeneratorWeights) -> None:
    """Start `model`, whose latents may be longer, where a shipped model ended.

    The first factors must be the shipped model's. Its w lists every factor several times, bent at several points
    (`equalised.start_mapping`); the places of the last, incomplete round go to the new factors, once.

    Raises:
        CheckpointError: the shipped model has another architecture, more factors, or been widened before.
    """
    tensors = {name: tensor.float().clone() for name, tensor in shipped.tensors.items()}
    new, old = model.current.spec.z_dim, shipped.spec.z_dim
    if new < old:
        raise CheckpointError(f"the model draws {old} factors, portraits have {new}", "take an older model")
    _undo_scale(tensors, len(shipped.spec.mapping_widths))
    if new > old:
        _make_room(tensors, old, new, len(shipped.spec.mapping_widths))
    for generator in (model.current, model.average):
        _load(generator, tensors)


def _load(generator: EqualisedGenerator, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, constant in generator.constants.items():
            parameter, given = generator.raw[name.replace(".", "/")], tensors.get(name)
            if given is None or given.shape != parameter.shape:
                raise CheckpointError(f"the model's {name} is not of the trained architecture", "take the demo model")
            parameter.copy_(given / constant)
        for index in range(generator.spec.num_layers):
            generator.get_buffer(f"noise_{index}").copy_(tensors[f"synthesis.layers.{index}.noise"])


def _undo_scale(tensors: dict[str, Tensor], layers: int) -> None:
    """Give w the size at which it was trained (`export_faces.canonical_weights` took it away)."""
    last = f"mapping.dense.{layers - 1}"
    factor = float(tensors[f"{last}.weight"].diagonal().abs().mean())
    for name, tensor in tensors.items():
        if name.startswith(last):
            tensor.div_(factor)
        elif name.endswith(".style.weight"):
            tensor.mul_(factor)


def _make_room(tensors: dict[str, Tensor], old: int, new: int, layers: int) -> None:
    """Let the last columns of w, which hold no whole round of the old factors, list the new ones."""
    width = len(tensors["mapping.dense.0.bias"])
    spare = torch.arange(width - width % old, width)
    if len(spare) < new - old:
        raise CheckpointError(f"w has room for {len(spare)} factors more, portraits have {new - old}", "draw fewer")
    place = torch.arange(len(spare))
    if not torch.equal(tensors["mapping.dense.0.weight"][spare].abs().argmax(dim=1), place):
        raise CheckpointError("the model has been widened before: its w has no room left", "take an older model")
    factor, copy = old + place % (new - old), place // (new - old)
    first = torch.zeros(width, new)
    first[:, :old] = tensors["mapping.dense.0.weight"]
    first[spare] = 0.0
    first[spare, factor] = 1.0
    tensors["mapping.dense.0.weight"] = first
    tensors["mapping.dense.0.bias"][spare] = LIFT
    signs = 1.0 - 2.0 * (copy % 2)
    thresholds = torch.tensor(THRESHOLDS)[copy % len(THRESHOLDS)]
    for index in range(1, layers):
        weight, bias = tensors[f"mapping.dense.{index}.weight"], tensors[f"mapping.dense.{index}.bias"]
        last = index == layers - 1
        weight[spare], weight[:, spare], bias[spare] = 0.0, 0.0, -signs * (LIFT + thresholds) if last else 0.0
        weight[spare, spare] = signs if last else 1.0
    for name, tensor in tensors.items():
        if name.endswith(".style.weight"):
            tensor[:, spare] = 0.0
