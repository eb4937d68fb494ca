"""StyleGAN2 as rosinality's stylegan2-pytorch saves it, and encoder bundles built on it: pSp, e4e, ReStyle."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from i2s_trt.checkpoints.encoder_bundle import read_encoder
from i2s_trt.checkpoints.options import resample_taps
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2

MARK = "conv1.conv.modulation.weight"
_BUNDLED = "decoder."
_LEAVES = {
    "conv.weight": "weight", "conv.modulation.weight": "style.weight", "conv.modulation.bias": "style.bias",
    "noise.weight": "noise_weight", "activate.bias": "bias", "bias": "bias",
}  # fmt: skip


def is_rosinality(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is of this family, bundled with an encoder or not."""
    return MARK in state or f"{_BUNDLED}{MARK}" in state


def read_rosinality(state: Mapping[str, Tensor], tree: Any) -> tuple[str, RawStyleGan2]:
    """Name of the kind of file, and its raw network.

    Args:
        state: tensors by name.
        tree: the whole file, which may hold the mean latent beside them.
    """
    whole, bundled = state, MARK not in state
    if bundled:
        state = {key.removeprefix(_BUNDLED): one for key, one in state.items() if key.startswith(_BUNDLED)}
    tensors = {name: _in_layout(name, tensor) for key, tensor in state.items() if (name := canonical_name(key))}
    mean = tree.get("latent_avg") if isinstance(tree, Mapping) else None
    if isinstance(mean, Tensor) and (style := tensors.get("synthesis.layers.0.style.weight")) is not None:
        rows = mean.double().reshape(-1, style.shape[1])  # equal ones give just that row: in float32 they would not
        tensors["mean_w"] = rows.mean(dim=0).float()
    kernels = {key: one for key, one in state.items() if key.endswith((".blur.kernel", ".upsample.kernel"))}
    taps = resample_taps(kernels, gain=4)
    encoder, note = read_encoder(whole, tree) if bundled else (None, "")
    raw = RawStyleGan2(tensors, resample_taps=taps, encoder=encoder, notes=(note,) if note else ())
    return "rosinality, with an encoder" if bundled else "rosinality", raw


def canonical_name(key: str) -> str:
    """The canonical name of a tensor; empty for those that a generator does not need."""
    if key == "input.input":
        return "synthesis.const"
    if match := re.fullmatch(r"style\.(\d+)\.(weight|bias)", key):
        return f"mapping.dense.{int(match[1]) - 1}.{match[2]}"
    if match := re.fullmatch(r"noises\.noise_(\d+)", key):
        return f"synthesis.layers.{match[1]}.noise"
    if match := re.fullmatch(r"(?:conv1|convs\.(\d+))\.(.+)", key):
        owner = f"layers.{0 if match[1] is None else int(match[1]) + 1}"
    elif match := re.fullmatch(r"(?:to_rgb1|to_rgbs\.(\d+))\.(.+)", key):
        owner = f"to_rgb.{0 if match[1] is None else int(match[1]) + 1}"
    else:
        return ""
    return f"synthesis.{owner}.{_LEAVES[match[2]]}" if match[2] in _LEAVES else ""


def _in_layout(name: str, tensor: Tensor) -> Tensor:
    """Weights without the leading 1 that is there for the batch; biases and strengths as rows."""
    if name.endswith(".weight") and tensor.ndim == 5:
        return tensor[0]
    if name.endswith((".bias", ".noise_weight")):
        return tensor.flatten()
    return tensor
