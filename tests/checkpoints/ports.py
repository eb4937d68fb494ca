"""Writes raw TensorFlow variables as the PyTorch conversions of StyleGAN1 keep them."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.checkpoints.builders import Variables

State = dict[str, Tensor]


def _torch(name: str, array: Any) -> Tensor:
    tensor = torch.from_numpy(np.asarray(array))
    if name.endswith("/weight") and tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.T.contiguous() if name.endswith("/weight") and tensor.ndim == 2 else tensor


def _blocks(variables: Variables) -> list[int]:
    """Resolutions, from 4 upwards."""
    return sorted({int(match[1]) for name in variables if (match := re.match(r"synthesis/(\d+)x", name))})


def _lernapparat_leaf(kind: str, leaf: str) -> str:
    """The name of a variable of `Const`, `Conv`, `Conv0_up` or `Conv1` within its block."""
    epilogue = "epi1" if kind in ("Const", "Conv0_up") else "epi2"
    special = {
        "const": "const",
        "Noise/weight": f"{epilogue}.top_epi.noise.weight",
        "StyleMod/weight": f"{epilogue}.style_mod.lin.weight",
        "StyleMod/bias": f"{epilogue}.style_mod.lin.bias",
    }
    return special.get(leaf) or (leaf if kind == "Const" else f"{kind.lower()}.{leaf}")


def lernapparat(variables: Variables) -> State:
    """Blocks named by resolution; only the last toRGB; no noise, no mean; the blur kernels."""
    state = {}
    for name, array in variables.items():
        tensor = _torch(name, array)
        if match := re.fullmatch(r"mapping/Dense(\d+)/(\w+)", name):
            state[f"g_mapping.dense{match[1]}.{match[2]}"] = tensor
        elif match := re.fullmatch(r"synthesis/(\d+x\d+)/(\w+?)/(.+)", name):
            state[f"g_synthesis.blocks.{match[1]}.{_lernapparat_leaf(match[2], match[3])}"] = tensor
        elif match := re.fullmatch(r"synthesis/ToRGB_lod0/(\w+)", name):
            state[f"g_synthesis.torgb.{match[1]}"] = tensor
    for size in _blocks(variables)[1:]:
        state[f"g_synthesis.blocks.{size}x{size}.conv0_up.intermediate.kernel"] = _blur()
    return state


def huangzh13(variables: Variables) -> State:
    """Blocks numbered from 8x8; toRGB layers from coarse to fine; the mean, no noise."""
    blocks = _blocks(variables)
    state = {"truncation.avg_latent": _torch("", variables["dlatent_avg"])}
    for key, tensor in lernapparat(variables).items():
        key = re.sub(r"g_mapping\.", "g_mapping.map.", key)  # noqa: PLW2901
        key = key.replace("blocks.4x4", "init_block")  # noqa: PLW2901
        key = re.sub(r"blocks\.(\d+)x\d+", lambda m: f"blocks.{blocks.index(int(m[1])) - 1}", key)  # noqa: PLW2901
        if "torgb" not in key:
            state[key] = tensor
    for name, array in variables.items():
        if match := re.fullmatch(r"synthesis/ToRGB_lod(\d+)/(\w+)", name):
            state[f"g_synthesis.to_rgb.{len(blocks) - 1 - int(match[1])}.{match[2]}"] = _torch(name, array)
    return state


def _layer(name: str) -> tuple[int, str] | None:
    """Number and variable of a styled layer."""
    match = re.fullmatch(r"synthesis/(\d+)x\d+/(Const|Conv|Conv0_up|Conv1)/(.+)", name)
    if not match:
        return None
    return 2 * (int(match[1]).bit_length() - 3) + (match[2] in ("Conv", "Conv1")), match[3]


def _numbered(variables: Variables, dense: str, leaves: dict[str, str], output: str) -> State:
    depth = len(_blocks(variables))
    state = {
        "truncation.w_avg": _torch("", variables["dlatent_avg"]),
        "synthesis.lod": _torch("", variables["synthesis/lod"]),
    }
    for name, array in variables.items():
        tensor = _torch(name, array)
        if match := re.fullmatch(r"mapping/Dense(\d+)/(\w+)", name):
            leaf = {"weight": dense, "bias": "bias" if dense == "weight" else "wscale.bias"}[match[2]]
            state[f"mapping.dense{match[1]}.{leaf}"] = tensor
        elif match := re.fullmatch(r"synthesis/noise(\d+)", name):
            state[f"synthesis.layer{match[1]}.{leaves['noise']}"] = tensor
        elif match := re.fullmatch(r"synthesis/ToRGB_lod(\d+)/(\w+)", name):
            leaf = output if match[2] == "weight" else "bias"
            state[f"synthesis.output{depth - 1 - int(match[1])}.{leaf}"] = tensor
        elif layer := _layer(name):
            state[f"synthesis.layer{layer[0]}.{leaves[layer[1]]}"] = tensor
    return state


def genforce_flat(variables: Variables) -> State:
    """The state dict of one network."""
    state = _numbered(
        variables,
        "weight",
        {
            "const": "const", "weight": "weight", "bias": "bias", "StyleMod/weight": "style.weight",
            "StyleMod/bias": "style.bias", "Noise/weight": "apply_noise.weight", "noise": "apply_noise.noise",
        },
        "weight",
    )  # fmt: skip
    if "mapping/LabelConcat/weight" in variables:  # kept as [labels, Z]
        state["mapping.label_weight"] = _torch("", variables["mapping/LabelConcat/weight"])
    for layer in range(2, 2 * len(_blocks(variables)), 2):
        state[f"synthesis.layer{layer}.blur.kernel"] = _blur()
    return state


def genforce(variables: Variables) -> dict[str, State]:
    """A training snapshot: the moving average is `generator_smooth`."""
    smooth = genforce_flat(variables)
    return {
        "generator": {name: torch.zeros_like(tensor) for name, tensor in smooth.items()},
        "discriminator": {"layer0.weight": torch.zeros(1)},
        "generator_smooth": smooth,
    }


def _wscaled(variables: Variables, linear: str, const: str, fused_from: int) -> State:
    dense = f"epilogue.style_mod.dense.{linear}.weight"
    leaves = {
        "const": const, "weight": "conv.weight", "bias": "epilogue.bias", "StyleMod/weight": dense,
        "StyleMod/bias": "epilogue.style_mod.dense.wscale.bias", "Noise/weight": "epilogue.apply_noise.weight",
        "noise": "epilogue.apply_noise.noise",
    }  # fmt: skip
    state = _numbered(variables, f"{linear}.weight", leaves, "conv.weight")
    for stage, size in enumerate(_blocks(variables)):
        layer = f"synthesis.layer{2 * stage}"
        if size > 4:
            state[f"{layer}.blur.kernel"] = _blur()
        if size >= max(fused_from, 8):  # fused kernels keep the original's order HWIO
            state[f"{layer}.weight"] = state.pop(f"{layer}.conv.weight").permute(2, 3, 1, 0).contiguous()
    return state | {"truncation.truncation": torch.ones(1, 4, 1)}


def interfacegan(variables: Variables, fused_from: int = 128) -> State:
    """Linear layers with their bias apart."""
    return _wscaled(variables, "linear", "first_layer", fused_from)


def idinvert(variables: Variables, fused_from: int = 128) -> State:
    """As interfacegan, with a mapping that may give a w for every layer."""
    return _wscaled(variables, "fc", "const", fused_from)


def _blur() -> Tensor:
    row = torch.tensor([1.0, 2.0, 1.0])
    return torch.outer(row, row)[None, None] / 16


PORTS: dict[str, Callable[[Variables], Any]] = {
    "lernapparat": lernapparat,
    "huangzh13": huangzh13,
    "genforce": genforce,
    "interfacegan": interfacegan,
    "idinvert": idinvert,
}
