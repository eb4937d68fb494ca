"""PyTorch conversions of StyleGAN1 that circulate: lernapparat, huangzh13, genforce, interfacegan, idinvert.

All of them keep the original's raw variables under other names, so a port is a table of names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from i2s_trt.checkpoints.convert import RawNetwork
from i2s_trt.checkpoints.module_pickle import raw_of_state
from i2s_trt.checkpoints.options import refuse_repetition
from i2s_trt.checkpoints.rosinality import is_rosinality, mean_latent, read_rosinality
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2
from i2s_trt.checkpoints.torch_file import read_tensors, read_torch_file
from i2s_trt.errors import CheckpointError

_LAYER = "synthesis.layers."
_FUSED = r"synthesis\.layer\d+\.weight"
_HINT = "use a StyleGAN1 or StyleGAN2 checkpoint, for example: i2s-trt models pull ffhq"
_EPILOGUE = {
    "top_epi.noise.weight": "noise_weight", "style_mod.lin.weight": "style.weight", "style_mod.lin.bias": "style.bias",
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """One family of conversions: a key that gives it away, and how its names become canonical ones.

    `rename(key, depth)` returns an empty string for tensors a generator does not need; `depth` is the number of
    resolutions. Where training without the blur is possible, `blur_mark` is part of the keys that show it is there.
    Where the kernels of fused layers are kept as HWIO, `fused_mark` matches their keys and those of no other layer.
    """

    name: str
    mark: str
    rename: Callable[[str, int], str]
    blur_mark: str = ""
    fused_mark: str = ""


def read_torch_port(path: Path) -> tuple[str, RawNetwork | RawStyleGan2]:
    """Name of the port and its raw network.

    Raises:
        CheckpointError: not a PyTorch file, or not a StyleGAN generator; the message names what it is.
    """
    tree = read_tensors(path) if path.suffix.lower() == ".safetensors" else read_torch_file(path)
    state = _generator_state(tree)
    if is_rosinality(state):
        _refuse_odd_tensors({**state, **mean_latent(tree)})
        return read_rosinality(state, tree)
    if "synthesis.b4.const" in state:
        _refuse_odd_tensors(state)
        return "stylegan2-ada-pytorch", raw_of_state(state)
    _refuse_other_networks(state)
    port = next((port for port in PORTS if port.mark in state), None)
    if port is None:
        some = ", ".join(list(state)[:3]) or "nothing"
        raise CheckpointError(f"no known StyleGAN conversion has these tensors ({some}, ...)", _HINT)
    return port.name, _raw(state, port)


def _generator_state(tree: Any) -> dict[str, Tensor]:
    """The state dict of the generator, out of the containers that training scripts wrap it in."""
    for wrapper in ("generator_smooth", "g_running", "g_ema", "G_ema", "state_dict", "generator", "g"):
        if isinstance(tree, Mapping) and isinstance(tree.get(wrapper), Mapping):
            tree = tree[wrapper]
            break
    state = {str(k): v for k, v in tree.items() if isinstance(v, Tensor)} if isinstance(tree, Mapping) else {}
    if not state:
        raise CheckpointError("the file holds no state dict of tensors", _HINT)
    return {key.removeprefix("module."): value for key, value in state.items()}


def _refuse_other_networks(state: Mapping[str, Tensor]) -> None:
    found = next((name for name, pattern in _OTHERS.items() if any(re.search(pattern, key) for key in state)), None)
    if found:
        raise CheckpointError(f"this is {found}; i2s-trt embeds into StyleGAN1 and StyleGAN2", _HINT)


_OTHERS = {
    "rosinality's style-based-gan-pytorch, a different architecture (no learning-rate multiplier, convolution bias "
    "before the blur, one noise map a resolution)": r"(^|\.)progression\.\d+\.",
    "an EG3D network, which renders from a camera": r"(^|\.)backbone\.synthesis\.",
    "a StyleGAN-XL network": r"mapping\.embed_proj\.",
    "StyleGAN3": r"synthesis\.input\.|synthesis\.L\d+_",
    "StyleGAN2 (genforce)": r"synthesis\.early_layer\.",
}


def _raw(state: Mapping[str, Tensor], port: Port) -> RawNetwork:
    depth = _depth(state)
    fused = {key for key in state if port.fused_mark and re.fullmatch(port.fused_mark, key)}
    tensors = {}
    for key, tensor in state.items():
        if name := port.rename(key, depth):
            _refuse_odd_tensor(key, tensor)
            tensors[name] = _layout(name, tensor.permute(3, 2, 0, 1) if key in fused else tensor)
    _average_mean(tensors)
    return RawNetwork(
        tensors,
        fused_scale=_fused_scale(len(fused), depth) if port.fused_mark else "auto",
        lod=float(tensors.pop("lod", torch.zeros(()))),
        blur_taps=(1.0, 2.0, 1.0) if any(port.blur_mark in key for key in state) else (),
    )


def _fused_scale(fused: int, depth: int) -> bool | Literal["auto"]:
    """What the number of fused layers says; every resolution but the first has a layer that can be."""
    return fused > 0 if fused in (0, depth - 1) else "auto"


def _refuse_odd_tensors(state: Mapping[str, Tensor]) -> None:
    """Only plain numbers, and each of them once: what shares them is small, but would be laid out anew for each."""
    for key, tensor in state.items():
        _refuse_odd_tensor(key, tensor)
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in state.values()}
    refuse_repetition(sum(one.nbytes for one in state.values()), sum(storages.values()))


def _refuse_odd_tensor(key: str, tensor: Tensor) -> None:
    """Only plain numbers in memory; a view that repeats few numbers could be made to fill the memory."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not plain or tensor.is_complex() or tensor.nbytes > tensor.untyped_storage().nbytes():
        raise CheckpointError(f"the tensor {key} is not a plain array of numbers", _HINT)


def _average_mean(tensors: dict[str, Tensor]) -> None:
    """A layer-wise mapping may keep a mean for every layer; the one mean latent is their average."""
    style = tensors.get(f"{_LAYER}0.style.weight")
    if "mean_w" in tensors and style is not None and style.ndim == 2:
        tensors["mean_w"] = tensors["mean_w"].reshape(-1, style.shape[1]).mean(dim=0)


_RGB_WEIGHT = r"synthesis\.(output|to_rgb\.)\d+(\.conv)?\.weight$"


def _depth(state: Mapping[str, Tensor]) -> int:
    """The number of resolutions: of numbered layers half, of outputs or of blocks as many as there are."""
    layers = {match[1] for key in state if (match := re.match(r"synthesis\.layer(\d+)\.", key))}
    blocks = {match[1] for key in state if (match := re.search(r"blocks\.(\d+)x\d+\.", key))}
    return len(layers) // 2 or sum(1 for key in state if re.search(_RGB_WEIGHT, key)) or len(blocks)


def _layout(name: str, tensor: Tensor) -> Tensor:
    """Bring vectors to their plain shapes, and the label's weight from [in, out] to [out, in]."""
    if name == "mapping.label.weight":
        return tensor.T
    return tensor.flatten() if name.endswith((".noise_weight", ".bias", "mean_w")) else tensor


def _lernapparat(key: str, _depth: int) -> str:
    if match := re.fullmatch(r"g_mapping\.dense(\d+)\.(weight|bias)", key):
        return f"mapping.dense.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"g_synthesis\.torgb\.(weight|bias)", key):
        return f"synthesis.to_rgb.0.{match[1]}"
    match = re.fullmatch(r"g_synthesis\.blocks\.(\d+)x\d+\.(.+)", key)
    return _block_leaf(int(match[1]).bit_length() - 3, match[2]) if match else ""


def _huangzh13(key: str, depth: int) -> str:
    if match := re.fullmatch(r"g_mapping\.map\.dense(\d+)\.(weight|bias)", key):
        return f"mapping.dense.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"g_synthesis\.to_rgb\.(\d+)\.(weight|bias)", key):
        return f"synthesis.to_rgb.{depth - 1 - int(match[1])}.{match[2]}"
    if match := re.fullmatch(r"g_synthesis\.(?:init_block|blocks\.(\d+))\.(.+)", key):
        return _block_leaf(0 if match[1] is None else int(match[1]) + 1, match[2])
    return "mean_w" if key == "truncation.avg_latent" else ""


def _block_leaf(block: int, leaf: str) -> str:
    """The canonical name of a tensor of lernapparat's synthesis block; two styled layers make a block."""
    if leaf == "const":
        return "synthesis.const"
    if leaf == "bias":
        return f"{_LAYER}0.bias"
    if match := re.fullmatch(r"(conv|conv0_up|conv1)\.(weight|bias)", leaf):
        return f"{_LAYER}{2 * block + (match[1] != 'conv0_up')}.{match[2]}"
    match = re.fullmatch(r"epi([12])\.(.+)", leaf)
    known = _EPILOGUE.get(match[2]) if match else None
    return f"{_LAYER}{2 * block + int(match[1]) - 1}.{known}" if match and known else ""


def _genforce(key: str, depth: int) -> str:
    return _numbered(key, depth, {
        "const": "", "weight": "weight", "bias": "bias", "style.weight": "style.weight", "style.bias": "style.bias",
        "apply_noise.weight": "noise_weight", "apply_noise.noise": "noise",
    })  # fmt: skip


def _interfacegan(key: str, depth: int) -> str:
    key = key.replace(".linear.weight", ".weight").replace(".fc.weight", ".weight").replace(".wscale.bias", ".bias")
    return _numbered(key, depth, {
        "const": "", "first_layer": "", "weight": "weight", "conv.weight": "weight", "epilogue.bias": "bias",
        "epilogue.style_mod.dense.weight": "style.weight", "epilogue.style_mod.dense.bias": "style.bias",
        "epilogue.apply_noise.weight": "noise_weight", "epilogue.apply_noise.noise": "noise",
    })  # fmt: skip


def _numbered(key: str, depth: int, leaves: Mapping[str, str]) -> str:
    """Names of the families that number the styled layers 0..L-1 and the outputs from coarse to fine."""
    if match := re.fullmatch(r"mapping\.dense(\d+)\.(weight|bias)", key):
        return f"mapping.dense.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"synthesis\.output(\d+)\.(?:conv\.)?(weight|bias)", key):
        return f"synthesis.to_rgb.{depth - 1 - int(match[1])}.{match[2]}"
    if match := re.fullmatch(r"synthesis\.layer(\d+)\.(.+)", key):
        leaf = leaves.get(match[2])
        return "" if leaf is None else f"{_LAYER}{match[1]}.{leaf}" if leaf else "synthesis.const"
    others = {"truncation.w_avg": "mean_w", "synthesis.lod": "lod", "mapping.label_weight": "mapping.label.weight"}
    return others.get(key, "")


PORTS = (
    Port("lernapparat", "g_mapping.dense0.weight", _lernapparat),
    Port("huangzh13", "g_mapping.map.dense0.weight", _huangzh13, "conv0_up.intermediate.kernel"),
    Port("genforce", "mapping.dense0.weight", _genforce),
    Port("interfacegan", "mapping.dense0.linear.weight", _interfacegan, fused_mark=_FUSED),
    Port("idinvert", "mapping.dense0.fc.weight", _interfacegan, fused_mark=_FUSED),
)
