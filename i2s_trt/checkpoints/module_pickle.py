"""PyTorch modules pickled by stylegan2-ada-pytorch and stylegan3: `G_ema` of the dictionary that they save.

Such a pickle carries the source of its classes, which the original executes. Here a module is the dictionary of its
parameters, buffers and options, and its source is never looked at.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from i2s_trt.checkpoints.options import HINT, OTHER_PARTS, number, positive_number, resample_taps
from i2s_trt.checkpoints.records import ModuleRecord, StorageRecord, TensorRecord
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2
from i2s_trt.checkpoints.torch_file import read_storage
from i2s_trt.errors import CheckpointError

_DEEPEST = 8  # modules within modules; a generator has four
_LARGEST_TENSOR = 2**31  # numbers
_SIZES = {
    "img_resolution": "resolution", "z_dim": "z_dim", "w_dim": "w_dim", "c_dim": "label_size", "num_ws": "num_layers",
}  # fmt: skip
_LEAVES = {
    "weight": "weight", "bias": "bias", "noise_strength": "noise_weight", "noise_const": "noise",
    "affine.weight": "style.weight", "affine.bias": "style.bias",
}  # fmt: skip


def read_module_pickle(tree: Mapping[Any, Any]) -> RawStyleGan2:
    """The moving-average generator of what `read_pickle` gave.

    Raises:
        CheckpointError: not a StyleGAN2 generator; the message names what it is.
    """
    module = tree.get("G_ema", tree.get("G"))
    if not isinstance(module, ModuleRecord):
        raise CheckpointError("the pickle holds no generator named G_ema", HINT)
    parts = dict(_walk(module))
    _refuse_other_networks(module, parts)
    tensors = {
        f"{prefix}{name}": value
        for prefix, part in parts.items()
        for kind in ("_parameters", "_buffers")
        for name, value in _entries(part, kind)
        if value is not None
    }
    return raw_of_state({name: _tensor(name, record) for name, record in tensors.items()}, _options(parts))


def raw_of_state(state: Mapping[str, Tensor], options: Mapping[str, Any] | None = None) -> RawStyleGan2:
    """The raw network of a state dict with stylegan2-ada-pytorch's names.

    Args:
        state: tensors by name, such as `synthesis.b8.conv0.weight`.
        options: fields of `RawStyleGan2` that tensors do not tell.
    """
    tensors = {name: _in_shape(name, tensor) for key, tensor in state.items() if (name := canonical_name(key))}
    filters = {key: tensor for key, tensor in state.items() if key.endswith("resample_filter")}
    taps = resample_taps(filters, gain=1)
    return RawStyleGan2(tensors, normalize_label=True, label_gain=None, resample_taps=taps, **(options or {}))


def canonical_name(key: str) -> str:
    """The canonical name of a tensor; empty for those that a generator does not need."""
    if key == "mapping.w_avg":
        return "mean_w"
    if match := re.fullmatch(r"mapping\.(?:fc(\d+)|embed)\.(weight|bias)", key):
        return f"mapping.label.{match[2]}" if match[1] is None else f"mapping.dense.{match[1]}.{match[2]}"
    match = re.fullmatch(r"synthesis\.b(\d+)\.(?:(conv[01]|torgb|skip)\.)?(.+)", key)
    if not match:
        return ""
    block, part, leaf = int(match[1]).bit_length() - 3, match[2], match[3]
    if part is None:
        return "synthesis.const" if leaf == "const" else ""
    if part == "skip":
        return f"synthesis.skips.{block}.weight" if leaf == "weight" else ""
    owner = f"to_rgb.{block}" if part == "torgb" else f"layers.{2 * block - (part == 'conv0')}"
    return f"synthesis.{owner}.{_LEAVES[leaf]}" if leaf in _LEAVES else ""


def _walk(module: ModuleRecord, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, ModuleRecord]]:
    """Every module within one, by its name with a dot after it."""
    if depth > _DEEPEST:
        raise CheckpointError("modules are nested too deep for a network", HINT)
    yield prefix, module
    for name, part in _entries(module, "_modules"):
        if not isinstance(part, ModuleRecord):
            raise CheckpointError(f"the part {prefix}{name} of the network is not a module", HINT)
        yield from _walk(part, f"{prefix}{name}.", depth + 1)


def _entries(module: ModuleRecord, kind: str) -> list[tuple[str, Any]]:
    found = module.state.get(kind, {})
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise CheckpointError(f"a module's {kind[1:]} are not named", HINT)
    return list(found.items())


def _refuse_other_networks(module: ModuleRecord, parts: Mapping[str, ModuleRecord]) -> None:
    kind = ""
    if "backbone." in parts or "TriPlane" in module.class_name:
        kind = "an EG3D network, which renders from a camera"
    elif "synthesis.input." in parts or any(re.match(r"synthesis\.L\d+_", name) for name in parts):
        larger = "path_stem" in module.state.get("_init_kwargs", {}) or "head_layer_names" in module.state
        kind = "a StyleGAN-XL network" if larger or "mapping.embed_proj." in parts else "a StyleGAN3 network"
    elif "synthesis.b4." not in parts or "mapping." not in parts:
        kind = f"no StyleGAN2 generator, but {module.class_name!r}"
    if kind:
        raise CheckpointError(f"this is {kind}; i2s-trt embeds into StyleGAN1 and StyleGAN2", HINT)


def _options(parts: Mapping[str, ModuleRecord]) -> dict[str, Any]:
    """What the modules' own attributes say; one that would compute something else is refused."""
    layers, colours, dense = (
        {name: part for name, part in parts.items() if re.fullmatch(pattern, name)}
        for pattern in (r"synthesis\.b\d+\.conv[01]\.", r"synthesis\.b\d+\.torgb\.", r"mapping\.fc\d+\.")
    )
    for part in (*layers.values(), *dense.values()):
        if (activation := part.state.get("activation", "lrelu")) != "lrelu":
            found = str(activation)[:40]
            raise CheckpointError(f"this network has the activation {found!r}; lrelu alone is supported", HINT)
    if any(part.state.get("use_noise") is False for part in layers.values()):
        raise CheckpointError("this network was trained without noise, which is not supported", HINT)
    blocks = [part for name, part in parts.items() if re.fullmatch(r"synthesis\.b\d+\.", name)]
    topologies = {str(part.state["architecture"]) for part in blocks if "architecture" in part.state}
    if len(topologies) > 1:
        raise CheckpointError(f"its blocks say they are {' and '.join(sorted(topologies))[:80]}", OTHER_PARTS)
    return {
        "conv_clamp": _agreed(layers | colours, "conv_clamp", None),
        "topology": next(iter(topologies), None),
        "mapping_rate": _agreed(dense, "bias_gain", 0.01),
        "stated": _stated(parts),
    }


def _stated(parts: Mapping[str, ModuleRecord]) -> dict[str, float]:
    """Sizes that the network and its halves name, by the names of `GeneratorSpec`'s fields."""
    found: dict[str, float] = {}
    for name in ("", "mapping.", "synthesis."):
        for attribute, field in _SIZES.items():
            value = number(parts[name].state.get(attribute), f"{name}{attribute}")
            if value is not None and found.setdefault(field, value) != value:
                raise CheckpointError(
                    f"{name}{attribute} is {value:g}, where the rest of the file says {found[field]:g}", OTHER_PARTS
                )
    return found


def _agreed(parts: Mapping[str, ModuleRecord], attribute: str, otherwise: float | None) -> float | None:
    """A number above 0 that all parts have alike; where they do not name it, what their class has by itself."""
    first, found = "", otherwise
    for name, part in parts.items():
        value = positive_number(part.state.get(attribute, otherwise), f"{name}{attribute}")
        if first and value != found:
            raise CheckpointError(
                f"{first}{attribute} is {found} and {name}{attribute} is {value}; a network has one for all", HINT
            )
        first, found = first or name, value
    return found


def _tensor(name: str, record: Any) -> Tensor:
    """The tensor that a record describes, copied; the view lies within its storage and repeats nothing."""
    if not isinstance(record, TensorRecord) or not isinstance(record.storage, StorageRecord):
        raise CheckpointError(f"{name} is not a tensor", HINT)
    numbers = read_storage(record.storage.data)
    size, stride, offset = record.size, record.stride, record.offset
    sizes = (*size, *stride, offset) if isinstance(size, tuple) and isinstance(stride, tuple) else (-1,)
    if not all(isinstance(one, int) and 0 <= one < _LARGEST_TENSOR for one in sizes) or len(size) != len(stride):
        raise CheckpointError(f"the tensor {name} has a shape that no tensor has", HINT)
    last = offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
    if math.prod(size) > len(numbers) or (math.prod(size) and last >= len(numbers)):
        raise CheckpointError(f"the tensor {name} is larger than the numbers that the file holds for it", HINT)
    return numbers.as_strided(size, stride, offset).clone()


def _in_shape(name: str, tensor: Tensor) -> Tensor:
    """Scalars, maps and the constant with the dimensions of their canonical forms."""
    if name.endswith(".noise_weight"):
        return tensor.reshape(1) if tensor.numel() == 1 else tensor
    if name.endswith(".noise") and tensor.ndim == 2:
        return tensor[None, None]
    return tensor.unsqueeze(0) if name == "synthesis.const" and tensor.ndim == 3 else tensor
