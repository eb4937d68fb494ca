"""Official TensorFlow StyleGAN2 pickles, versions 4 and 5: names and conventions of their variables."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2s_trt.arrays import Array
from i2s_trt.checkpoints.options import HINT, number, positive_number, row_of_taps
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2
from i2s_trt.errors import CheckpointError

_LEAVES = {"weight": "weight", "bias": "bias", "noise_strength": "noise_weight", "mod_weight": "style.weight",
           "mod_bias": "style.bias"}  # fmt: skip
_GROWN = re.compile(r"synthesis/ToRGB_lod(\d+)/(\w+)")
_SIZES = {"resolution": "resolution", "latent_size": "z_dim", "dlatent_size": "w_dim", "label_size": "label_size"}
# options under which the network would compute something else, with the values that are implemented
_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "num_channels": (3,), "nonlinearity": ("lrelu",), "mapping_nonlinearity": ("lrelu",), "use_noise": (True,),
    "architecture": ("skip", "resnet", "orig"),
}  # fmt: skip


def is_stylegan2(names: Mapping[str, object]) -> bool:
    """Whether variables of these names are a StyleGAN2's."""
    return any(name.endswith("/mod_weight") for name in names)


def raw_tf_stylegan2(variables: Mapping[str, Array], options: Mapping[str, Any]) -> RawStyleGan2:
    """The raw network.

    Args:
        variables: by name, such as `synthesis/8x8/Conv0_up/mod_weight`.
        options: keyword arguments of the network and its components.

    Raises:
        CheckpointError: it was trained with options that are not supported.
    """
    for name, supported in _SUPPORTED.items():
        if name in options and options[name] not in supported:
            chosen, known = str(options[name])[:80], ", ".join(map(str, supported))
            raise CheckpointError(f"this StyleGAN2 was trained with {name}={chosen}; supported: {known}", HINT)
    variables = _without_growth(variables)
    tensors = {name: _in_layout(key, name, array) for key, array in variables.items() if (name := canonical_name(key))}
    psi = number(options.get("truncation_psi", 0.5), "truncation_psi")
    cutoff = number(options.get("truncation_cutoff"), "truncation_cutoff")
    return RawStyleGan2(
        tensors,
        mapping_rate=positive_number(options.get("mapping_lrmul"), "mapping_lrmul") or 0.01,
        topology=options.get("architecture"),
        resample_taps=row_of_taps(options.get("resample_kernel", (1, 3, 3, 1))),
        conv_clamp=positive_number(options.get("conv_clamp"), "conv_clamp"),
        normalize_z=bool(options.get("normalize_latents", True)),
        normalize_label="mapping/LabelEmbed/weight" in variables,
        label_gain=None if "mapping/LabelEmbed/weight" in variables else 1.0,
        truncation_psi=1.0 if psi is None else psi,
        truncation_cutoff=None if cutoff is None else int(cutoff),
        stated={field: options.get(name) for name, field in _SIZES.items()},
    )


def _without_growth(variables: Mapping[str, Array]) -> Mapping[str, Array]:
    """A network of configurations B to D, grown as it was trained: the last of its conversions to RGB draws."""
    grown = {name: _GROWN.fullmatch(name) for name in variables}
    if not any(grown.values()):
        return variables
    if float(np.max(variables.get("lod", 0))) > 0:
        raise CheckpointError("this StyleGAN2 was saved while it still grew: its last layers draw nothing yet", HINT)
    sizes = [int(match[1]) for name in variables if (match := re.match(r"synthesis/(\d+)x\1/", name))]
    last = f"synthesis/{max(sizes, default=4)}x{max(sizes, default=4)}/ToRGB"
    renamed = {name: f"{last}/{match[2]}" if match and match[1] == "0" else name for name, match in grown.items()}
    return {renamed[name]: array for name, array in variables.items()}


def canonical_name(name: str) -> str:
    """The canonical name of a variable; empty for those a generator does not need."""
    if name == "dlatent_avg":
        return "mean_w"
    if match := re.fullmatch(r"mapping/Label(?:Concat|Embed)/(weight|bias)", name):
        return f"mapping.label.{match[1]}"
    if match := re.fullmatch(r"mapping/Dense(\d+)/(weight|bias)", name):
        return f"mapping.dense.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"synthesis/noise(\d+)", name):
        return f"synthesis.layers.{match[1]}.noise"
    match = re.fullmatch(r"synthesis/(\d+)x\1/(Const|Conv|Conv0_up|Conv1|ToRGB|Skip)/(\w+)", name)
    return _block_name(int(match[1]).bit_length() - 3, match[2], match[3]) if match else ""


def _block_name(block: int, part: str, leaf: str) -> str:
    if leaf == "const":
        return "synthesis.const"
    if leaf not in _LEAVES:
        return ""
    owners = {"ToRGB": f"to_rgb.{block}", "Skip": f"skips.{block}", "Conv0_up": f"layers.{2 * block - 1}"}
    return f"synthesis.{owners.get(part, f'layers.{2 * block}')}.{_LEAVES[leaf]}"


def _in_layout(key: str, name: str, array: Array) -> Tensor:
    """HWIO -> OIHW, turned by 180 degrees where it upsamples; [in, out] -> [out, in]; a style's bias counts from 1."""
    if array.dtype.kind != "f":
        raise CheckpointError(f"the variable {key} is made of {array.dtype}, where floating-point numbers belong", HINT)
    tensor = torch.from_numpy(array.astype(np.float32))
    if name.endswith("weight") and tensor.ndim == 4:
        tensor = tensor.permute(3, 2, 0, 1)
        return tensor.flip(2, 3) if "/Conv0_up/" in key else tensor
    if name.endswith(".noise_weight"):
        return tensor.reshape(1) if tensor.numel() == 1 else tensor
    if name.endswith(".style.bias"):
        return tensor + 1
    return tensor.T if name.endswith("weight") and tensor.ndim == 2 else tensor
