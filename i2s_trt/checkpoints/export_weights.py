"""Writes a generator's weights as other projects load them: the way back from canonical form to theirs.

They store raw variables, which their networks multiply by constants at run time. A raw value is written so that the
product is the canonical value bit for bit: as the float32 that gives it, or where there is none in float64.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2s_trt.checkpoints.convert import RawNetwork, is_fused, scales
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2, scale
from i2s_trt.errors import ModelError, UsageError
from i2s_trt.files import write_bytes
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.models.layers import blur_kernel
from i2s_trt.models.spec import Architecture

SUFFIXES = (".pt", ".pth", ".safetensors")
_ROSINALITY_MAX = 1024  # pixels


@dataclass(frozen=True)
class Target:
    """A project that weights are written for.

    Attributes:
        architecture: that it can hold.
        state: canonical weights to its state dict.
        container: the state dict to what its scripts load.
        beside: what lies beside the state dict there; in `.safetensors` it goes among its tensors.
    """

    architecture: Architecture
    state: Callable[[GeneratorWeights], dict[str, Tensor]]
    container: Callable[[dict[str, Tensor], GeneratorWeights], dict[str, object]]
    beside: Callable[[GeneratorWeights], dict[str, Tensor]] = lambda _weights: {}


def export_weights(weights: GeneratorWeights, target: str, path: Path) -> int:
    """Write weights for another project.

    Args:
        weights: canonical.
        target: a key of TARGETS.
        path: ends in .pt, .pth or .safetensors.

    Returns:
        The number of tensors written.

    Raises:
        UsageError: no such project, or another kind of file.
        ModelError: the project's network cannot be this one.
        EnvironmentFault: the file cannot be written.
    """
    if target not in TARGETS:
        raise UsageError(f"weights cannot be written for {target!r}", f"name one of {', '.join(TARGETS)}")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path} is not a kind of file that weights are written to", f"end it in {', '.join(SUFFIXES)}"
        )
    chosen = TARGETS[target]
    if weights.spec.architecture != chosen.architecture:
        others = [name for name, one in TARGETS.items() if one.architecture == weights.spec.architecture]
        raise ModelError(f"{target} holds no {weights.spec.family}", f"take --to {' or '.join(others)}")
    state = {name: tensor.contiguous() for name, tensor in chosen.state(weights).items()}
    if path.suffix.lower() == ".safetensors":
        from safetensors.torch import save

        state |= chosen.beside(weights)
        write_bytes(path, save({name: tensor.clone() for name, tensor in state.items()}))
    else:
        stream = io.BytesIO()
        torch.save(chosen.container(state, weights), stream)
        write_bytes(path, stream.getvalue())
    return len(state)


def unscaled(value: Tensor, factor: float) -> Tensor:
    """Raw values whose product with `factor`, rounded to float32, is `value` [...] float32 bit for bit.

    Returns:
        float32 if that can be, else float64.
    """
    array = value.float().numpy()
    raw = (array.astype(np.float64) / factor).astype(np.float32)
    for candidate in (raw, np.nextafter(raw, np.float32(np.inf)), np.nextafter(raw, np.float32(-np.inf))):
        raw = np.where(_product(raw, factor) == array, raw, candidate)
    if np.array_equal(_product(raw, factor), array):
        return torch.from_numpy(raw)
    return torch.from_numpy(array.astype(np.float64) / factor)


def _product(raw: np.ndarray, factor: float) -> np.ndarray:
    """As the readers compute it: a float32 tensor times a Python number."""
    return (torch.from_numpy(np.ascontiguousarray(raw)) * factor).numpy()


def _raw_stylegan1(weights: GeneratorWeights) -> dict[str, Tensor]:
    """Raw tensors by canonical name, kernels of fused layers turned back."""
    factor, spec = scales(RawNetwork({})), weights.spec
    if spec.normalize_z is False or spec.negative_slope != 0.2 or spec.blur_taps != (1.0, 2.0, 1.0):
        raise ModelError("this model was trained with options that this format's networks lack")
    raw = {}
    for name, tensor in weights.tensors.items():
        layer = name.removeprefix("synthesis.layers.").partition(".")[0]
        turned = name.endswith(f"layers.{layer}.weight") and layer.isdigit() and int(layer) % 2 == 0 and int(layer) > 0
        fused = turned and is_fused("auto", spec.layer_resolution(int(layer)))
        raw[name] = unscaled(tensor.flip(2, 3) if fused else tensor, factor(name, tensor))
    return raw


def _genforce(weights: GeneratorWeights) -> dict[str, Tensor]:
    spec, state = weights.spec, {}
    last = len(spec.channels) - 1
    leaves = {
        "weight": "weight", "bias": "bias", "style.weight": "style.weight", "style.bias": "style.bias",
        "noise_weight": "apply_noise.weight", "noise": "apply_noise.noise",
    }  # fmt: skip
    for name, tensor in _raw_stylegan1(weights).items():
        parts = name.split(".")
        if name == "mean_w":
            state["truncation.w_avg"] = tensor
        elif name == "mapping.label.weight":
            state["mapping.label_weight"] = tensor.T
        elif parts[0] == "mapping":
            state[f"mapping.dense{parts[2]}.{parts[3]}"] = tensor
        elif name == "synthesis.const":
            state["synthesis.layer0.const"] = tensor
        elif parts[1] == "to_rgb":
            state[f"synthesis.output{last - int(parts[2])}.{parts[3]}"] = tensor
        else:
            state[f"synthesis.layer{parts[2]}.{leaves['.'.join(parts[3:])]}"] = tensor
    kernel = blur_kernel(spec.blur_taps)
    for layer in range(2, spec.num_layers, 2):
        state[f"synthesis.layer{layer}.blur.kernel"] = kernel
    return state | {"synthesis.lod": torch.tensor(spec.lod)}


def _raw_stylegan2(weights: GeneratorWeights) -> dict[str, Tensor]:
    if not weights.spec.normalize_z:
        raise ModelError("this model takes z as it is, and this format's networks normalise it")
    raw = RawStyleGan2({}, label_gain=None if weights.spec.normalize_label else 1.0)
    return {name: unscaled(tensor, scale(raw, name, tensor)) for name, tensor in weights.tensors.items()}


def _ada(weights: GeneratorWeights) -> dict[str, Tensor]:
    if weights.spec.label_size and not weights.spec.normalize_label:
        raise ModelError("stylegan2-ada-pytorch normalises labels otherwise than this model does")
    leaves = {
        "weight": "weight", "bias": "bias", "style.weight": "affine.weight", "style.bias": "affine.bias",
        "noise_weight": "noise_strength", "noise": "noise_const",
    }  # fmt: skip
    state: dict[str, Tensor] = {}
    for name, tensor in _raw_stylegan2(weights).items():
        parts = name.split(".")
        if name == "mean_w":
            state["mapping.w_avg"] = tensor
        elif parts[0] == "mapping":
            owner = "embed" if parts[1] == "label" else f"fc{parts[2]}"
            state[f"mapping.{owner}.{parts[-1]}"] = tensor
        elif name == "synthesis.const":
            state["synthesis.b4.const"] = tensor[0]
        else:
            owner = _ada_part(parts[1], int(parts[2]))
            leaf = leaves[".".join(parts[3:])]
            bare = "noise" in leaf  # a number, or a map without the dimensions that are there for the batch
            state[f"synthesis.{owner}.{leaf}"] = tensor.squeeze() if bare else tensor
    taps = blur_kernel(weights.spec.resample_taps)[0, 0]
    blocks = {name.rpartition(".")[0] for name in state if name.endswith((".noise_strength", ".skip.weight"))}
    owners = blocks | {name.rpartition(".")[0] for name in blocks}
    return state | {f"{owner}.resample_filter": taps for owner in sorted(owners)}


def _ada_part(kind: str, index: int) -> str:
    if kind == "layers":
        block = (index + 1) // 2
        return f"b{4 * 2**block}.conv{0 if index % 2 else 1}"
    return f"b{4 * 2**index}.{'torgb' if kind == 'to_rgb' else 'skip'}"


def _rosinality(weights: GeneratorWeights) -> dict[str, Tensor]:
    spec = weights.spec
    if spec.topology != "skip" or spec.label_size:
        kind = "conditional" if spec.label_size else f"of topology {spec.topology}"
        raise ModelError(f"rosinality's network cannot be {kind}", "take --to ada")
    if spec.resolution > _ROSINALITY_MAX:
        size = f"{_ROSINALITY_MAX} pixels at most, not {spec.resolution}"
        raise ModelError(f"rosinality's network draws {size}", "take --to ada")
    widths = {spec.z_dim, *spec.mapping_widths}
    if len(widths) > 1:
        found = ", ".join(map(str, sorted(widths)))
        raise ModelError(f"rosinality's network has one width for z and w, this model has {found}", "take --to ada")
    state: dict[str, Tensor] = {}
    kernel = blur_kernel(spec.resample_taps)[0, 0] * 4
    for name, tensor in _raw_stylegan2(weights).items():
        parts = name.split(".")
        if name == "mean_w":
            continue
        if parts[0] == "mapping":
            state[f"style.{int(parts[2]) + 1}.{parts[3]}"] = tensor
        elif name == "synthesis.const":
            state["input.input"] = tensor
        elif parts[-1] == "noise":
            state[f"noises.noise_{parts[2]}"] = tensor
        else:
            state |= _rosinality_part(parts[1], int(parts[2]), ".".join(parts[3:]), tensor)
    for layer in range(1, spec.num_layers - 1, 2):
        state[f"convs.{layer - 1}.conv.blur.kernel"] = kernel
        state[f"to_rgbs.{layer // 2}.upsample.kernel"] = kernel
    return state


def _rosinality_part(kind: str, index: int, leaf: str, tensor: Tensor) -> dict[str, Tensor]:
    rgb = kind == "to_rgb"
    first, others = ("to_rgb1", "to_rgbs") if rgb else ("conv1", "convs")
    owner = first if index == 0 else f"{others}.{index - 1}"
    if leaf == "bias":
        return {f"{owner}.bias": tensor.view(1, 3, 1, 1)} if rgb else {f"{owner}.activate.bias": tensor}
    names = {"weight": "conv.weight", "style.weight": "conv.modulation.weight", "style.bias": "conv.modulation.bias",
             "noise_weight": "noise.weight"}  # fmt: skip
    return {f"{owner}.{names[leaf]}": tensor[None] if leaf == "weight" else tensor}


def _in_genforces_container(state: dict[str, Tensor], _weights: GeneratorWeights) -> dict[str, object]:
    return {"generator": state, "generator_smooth": state}


def _in_rosinalitys_container(state: dict[str, Tensor], weights: GeneratorWeights) -> dict[str, object]:
    return {"g_ema": state, **_mean_latent(weights)}


def _mean_latent(weights: GeneratorWeights) -> dict[str, Tensor]:
    return {"latent_avg": weights.tensors["mean_w"].float()}


def _bare(state: dict[str, Tensor], _weights: GeneratorWeights) -> dict[str, object]:
    return dict(state)


TARGETS: Mapping[str, Target] = {
    "genforce": Target("stylegan1", _genforce, _in_genforces_container),
    "rosinality": Target("stylegan2", _rosinality, _in_rosinalitys_container, _mean_latent),
    "ada": Target("stylegan2", _ada, _bare),
}
