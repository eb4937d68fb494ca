"""StyleGAN2 as rosinality's stylegan2-pytorch saves it, and encoder bundles built on it: pSp, e4e, ReStyle."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from i2s_trt.checkpoints.converted import INCOMPLETE, check_numbers
from i2s_trt.checkpoints.encoder_bundle import read_encoder
from i2s_trt.checkpoints.options import HINT, OTHER_PARTS, resample_taps
from i2s_trt.checkpoints.records import options_of
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2
from i2s_trt.errors import CheckpointError

MARK = "conv1.conv.modulation.weight"
_MEAN = "latent_avg"
_STYLE = re.compile(r"synthesis\.layers\.\d+\.style\.weight")
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

    Raises:
        CheckpointError: the mean latent, the filters or the options of its training are not such a network's.
    """
    whole, bundled = state, MARK not in state
    if bundled:
        state = {key.removeprefix(_BUNDLED): one for key, one in state.items() if key.startswith(_BUNDLED)}
    tensors = {name: _in_layout(name, tensor) for key, tensor in state.items() if (name := canonical_name(key))}
    if (mean := mean_latent(tree).get(_MEAN)) is not None:
        tensors["mean_w"] = _average(mean, [one for name, one in tensors.items() if _STYLE.fullmatch(name)])
    kernels = {key: one for key, one in state.items() if key.endswith((".blur.kernel", ".upsample.kernel"))}
    taps = resample_taps(kernels, gain=4)
    encoder, note = read_encoder(whole, tree) if bundled else (None, "")
    notes = (note,) if note else ()
    stated = _stated_by_bundle(tree) if bundled else _stated(tree)
    pictures = str(options_of(tree, "opts").get("dataset_type", ""))[:60]
    raw = RawStyleGan2(
        tensors, resample_taps=taps, encoder=encoder, notes=notes, stated=stated, pictures=pictures if bundled else ""
    )
    return "rosinality, with an encoder" if bundled else "rosinality", raw


def mean_latent(tree: Any) -> dict[str, Tensor]:
    """The mean latent that a file holds beside its state dict, by its name; a training's has none."""
    mean = tree.get(_MEAN) if isinstance(tree, Mapping) else None
    return {_MEAN: mean} if isinstance(mean, Tensor) else {}


def _average(mean: Tensor, styles: Sequence[Tensor]) -> Tensor:
    """The one mean latent of a file that has it once or for every row."""
    width = styles[0].shape[-1] if styles and styles[0].ndim else 0
    if width == 0 or mean.numel() not in (width, width * (len(styles) + 1)):
        wanted = f"where {width} belong, or those of {len(styles) + 1} rows"
        raise CheckpointError(f"the file's mean latent has {mean.numel()} values, {wanted}", INCOMPLETE)
    check_numbers("mean_w", mean)
    return mean.double().reshape(-1, width).mean(dim=0).float()  # in float32 that of equal rows would not be theirs


def _stated(tree: Any) -> dict[str, Any]:
    """What the options of a training say of its network."""
    args = options_of(tree, "args")
    if (kind := args.get("arch", "stylegan2")) != "stylegan2":
        raise CheckpointError(f"this is a network of the architecture {str(kind)[:40]!r}, no StyleGAN2", HINT)
    return {"resolution": args.get("size")}


def _stated_by_bundle(tree: Any) -> dict[str, Any]:
    """What the options of an encoder's training say of its decoder: e4e by one name, pSp and ReStyle by another.

    Raises:
        CheckpointError: they say two things.
    """
    options = options_of(tree, "opts")
    sizes = [(name, options[name]) for name in ("stylegan_size", "output_size") if options.get(name) is not None]
    if len(sizes) == 2 and sizes[0][1] != sizes[1][1]:
        said = " and ".join(f"{name} {size!r:.40}" for name, size in sizes)
        raise CheckpointError(f"the file's options say {said}", OTHER_PARTS)
    return {"resolution": sizes[0][1]} if sizes else {}


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
    if name.endswith(".weight") and tensor.ndim == 5 and len(tensor) == 1:
        return tensor[0]
    if name.endswith((".bias", ".noise_weight")):
        return tensor.flatten()
    return tensor
