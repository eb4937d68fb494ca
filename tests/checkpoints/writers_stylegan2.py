"""Writers of StyleGAN2 files, each in the layout of its original: one network, told in five ways."""

import argparse
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.checkpoints.builders import EasyDict, Network, Persistent, dumps, torch_file
from tests.checkpoints.reference_stylegan2 import Recipe2

EXECUTED = "i2s_trt_executed_the_source"  # set in the environment by whoever runs the source of a module
SOURCE = f"import os\nos.environ[{EXECUTED!r}] = 'yes'\nraise SystemExit('the source was executed')\n"


def module_pickle(
    recipe: Recipe2,
    state: Mapping[str, Tensor],
    *,
    protocol: int = 4,
    flat: bool = False,
    altered: Mapping[str, Mapping[str, Any]] | None = None,
) -> bytes:
    """stylegan2-ada-pytorch's, or with `flat` keyword arguments that of the stylegan3 repository.

    `altered` gives attributes of modules by their names, such as `synthesis.b8.conv0.`.
    """
    generator = generator_module(recipe, state, flat=flat, altered=altered)
    tree = {"training_set_kwargs": EasyDict(resolution=64), "G": None, "D": None, "G_ema": generator}
    return dumps(tree | {"augment_pipe": None}, protocol)


def generator_module(
    recipe: Recipe2,
    state: Mapping[str, Tensor],
    *,
    flat: bool = False,
    altered: Mapping[str, Mapping[str, Any]] | None = None,
) -> Persistent:
    """The generator of such a file; arguments as for `module_pickle`."""
    inner = {"channel_base": 1024, "num_fp16_res": 4, "conv_clamp": recipe.clamp}
    outer = inner if flat else {"mapping_kwargs": {"num_layers": recipe.mapping_layers}, "synthesis_kwargs": inner}
    kwargs = {"z_dim": recipe.z_dim, **outer}
    return _module("Generator", state, recipe, "", altered or {}, _init_kwargs=kwargs, **_sizes(recipe))


def _module(
    class_name: str, state: Mapping[str, Tensor], recipe: Recipe2, prefix: str,
    altered: Mapping[str, Mapping[str, Any]], **more: Any,
) -> Persistent:  # fmt: skip
    own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    buffers = {"noise_const", "w_avg", "resample_filter"}
    leaves = {key: value for key, value in own.items() if "." not in key}
    children = OrderedDict(
        (name, _module(_class_of(name), state, recipe, f"{prefix}{name}.", altered, **_attributes(name, recipe)))
        for name in dict.fromkeys(key.partition(".")[0] for key in own if "." in key)
    )
    if "conv" in prefix or prefix.endswith(("torgb.", "skip.")):
        row = torch.tensor(recipe.taps, dtype=torch.float32)
        leaves |= {"resample_filter": torch.outer(row, row) / row.sum() ** 2} if "affine" not in prefix else {}
    described = {
        "training": False,
        "_parameters": OrderedDict((k, torch.nn.Parameter(v)) for k, v in leaves.items() if k not in buffers),
        "_buffers": OrderedDict((k, v) for k, v in leaves.items() if k in buffers),
        "_non_persistent_buffers_set": set(),
        "_backward_hooks": OrderedDict(),
        "_modules": children,
        "_init_args": (),
        "_init_kwargs": {},
        **more,
        **altered.get(prefix, {}),
    }
    return Persistent(class_name, SOURCE, described)


def _class_of(name: str) -> str:
    known = {"mapping": "MappingNetwork", "synthesis": "SynthesisNetwork", "torgb": "ToRGBLayer", "skip": "Conv2dLayer"}
    fallback = (
        "SynthesisBlock" if name.startswith("b") else "SynthesisLayer" if "conv" in name else "FullyConnectedLayer"
    )
    return known.get(name, fallback)


def _sizes(recipe: Recipe2) -> dict[str, int]:
    own = {"z_dim": recipe.z_dim, "c_dim": recipe.labels, "w_dim": recipe.w_dim}
    return own | {"img_resolution": recipe.resolution, "img_channels": 3, "num_ws": recipe.rows}


def _attributes(name: str, recipe: Recipe2) -> dict[str, Any]:
    if name in {"mapping", "synthesis"}:
        named = ("z_dim", "c_dim", "w_dim", "num_ws") if name == "mapping" else ("w_dim", "img_resolution", "num_ws")
        return {attribute: _sizes(recipe)[attribute] for attribute in named}
    if name.startswith("fc"):
        return {"activation": "lrelu", "bias_gain": recipe.mapping_rate}
    if name.startswith("conv"):
        return {"activation": "lrelu", "use_noise": True, "conv_clamp": recipe.clamp}
    if name == "torgb":
        return {"conv_clamp": recipe.clamp}
    return {"architecture": recipe.topology, "use_fp16": False} if name.startswith("b") and name != "bias" else {}


def tf_pickle(
    recipe: Recipe2,
    state: Mapping[str, Tensor],
    *,
    version: Any = 4,
    protocol: int = 4,
    changed: Mapping[str, Any] | None = None,
    discriminator: Any = None,
    **options: Any,
) -> bytes:
    """NVIDIA's TensorFlow: HWIO kernels, turned where they upsample, style biases counted from 1, nested components.

    `changed` gives variables by their names, such as `synthesis/4x4/Conv/weight`; None leaves one out. `options` are
    keyword arguments of the synthesis network. Every network carries `SOURCE`, which the original executes.
    """
    variables: dict[str, Any] = {"lod": np.float32(0), "dlatent_avg": state["mapping.w_avg"].numpy()}
    mapping: dict[str, Tensor] = {}
    synthesis: dict[str, Tensor] = {}
    for i in range(recipe.mapping_layers):
        mapping |= {
            f"Dense{i}/weight": state[f"mapping.fc{i}.weight"].T,
            f"Dense{i}/bias": state[f"mapping.fc{i}.bias"],
        }
    if recipe.labels and recipe.label_kind == "concat":
        mapping["LabelConcat/weight"] = state["mapping.embed.weight"].T
    elif recipe.labels:
        mapping["LabelEmbed/weight"] = state["mapping.embed.weight"].T
        mapping["LabelEmbed/bias"] = state["mapping.embed.bias"]
    layer = 0
    for block in range(len(recipe.channels)):
        size, b = 4 * 2**block, f"synthesis.b{4 * 2**block}"
        if block == 0:
            synthesis["4x4/Const/const"] = state[f"{b}.const"][None]
        for part, name in ({"conv1": "Conv"} if block == 0 else {"conv0": "Conv0_up", "conv1": "Conv1"}).items():
            synthesis |= _tf_layer(f"{size}x{size}/{name}", state, f"{b}.{part}", turned=part == "conv0")
            synthesis[f"{size}x{size}/{name}/noise_strength"] = state[f"{b}.{part}.noise_strength"]
            synthesis[f"noise{layer}"] = state[f"{b}.{part}.noise_const"][None, None]
            layer += 1
        if f"{b}.torgb.weight" in state:
            synthesis |= _tf_layer(f"{size}x{size}/ToRGB", state, f"{b}.torgb", turned=False)
        if f"{b}.skip.weight" in state:
            synthesis[f"{size}x{size}/Skip/weight"] = state[f"{b}.skip.weight"].permute(2, 3, 1, 0)
    rate = {"mapping_lrmul": recipe.mapping_rate, "latent_size": recipe.z_dim, "dlatent_size": recipe.w_dim}
    trained = {"architecture": recipe.topology, "resample_kernel": list(recipe.taps), "conv_clamp": recipe.clamp}
    groups = {"": variables, "mapping": _arrays(mapping), "synthesis": _arrays(synthesis)}
    for name, value in (changed or {}).items():
        prefix, local = name.split("/", 1) if "/" in name else ("", name)
        if value is None:
            del groups[prefix][local]
        else:
            groups[prefix][local] = value
    more = {"version": version, "build_module_src": SOURCE}
    parts = {
        "mapping": Network("G_mapping", groups["mapping"], rate, **more),
        "synthesis": Network("G_synthesis_stylegan2", groups["synthesis"], {**trained, **options}, **more),
    }
    sizes = {"num_channels": 3, "resolution": recipe.resolution, "label_size": recipe.labels}
    gs = Network("Gs", variables, {**sizes, "truncation_psi": 0.5}, components=parts, **more)
    return dumps((gs, gs if discriminator is None else discriminator, gs), protocol)


def _tf_layer(name: str, state: Mapping[str, Tensor], part: str, *, turned: bool) -> dict[str, Tensor]:
    weight = state[f"{part}.weight"]
    return {
        f"{name}/weight": (weight.flip(2, 3) if turned else weight).permute(2, 3, 1, 0),
        f"{name}/mod_weight": state[f"{part}.affine.weight"].T,
        f"{name}/mod_bias": state[f"{part}.affine.bias"] - 1,
        f"{name}/bias": state[f"{part}.bias"],
    }


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in tensors.items()}


def rosinality_state(recipe: Recipe2, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """rosinality's names; its topology is always `skip`, its mapping as deep as it is."""
    row = torch.tensor(recipe.taps, dtype=torch.float32)
    kernel = torch.outer(row, row) / row.sum() ** 2 * 4
    found = {"input.input": state["synthesis.b4.const"][None]}
    for i in range(recipe.mapping_layers):
        found |= {f"style.{i + 1}.{leaf}": state[f"mapping.fc{i}.{leaf}"] for leaf in ("weight", "bias")}
    layer = 0
    for block in range(len(recipe.channels)):
        b = f"synthesis.b{4 * 2**block}"
        for part in ("conv1",) if block == 0 else ("conv0", "conv1"):
            name = "conv1" if block == 0 else f"convs.{layer - 1}"
            found |= _rosinality_layer(name, state, f"{b}.{part}", "activate.bias", state[f"{b}.{part}.bias"])
            found[f"{name}.noise.weight"] = state[f"{b}.{part}.noise_strength"].reshape(1)
            found[f"noises.noise_{layer}"] = state[f"{b}.{part}.noise_const"][None, None]
            if part == "conv0":
                found[f"{name}.conv.blur.kernel"] = kernel
            layer += 1
        name = "to_rgb1" if block == 0 else f"to_rgbs.{block - 1}"
        found |= _rosinality_layer(name, state, f"{b}.torgb", "bias", state[f"{b}.torgb.bias"].view(1, 3, 1, 1))
    return found


def _rosinality_layer(
    name: str, state: Mapping[str, Tensor], part: str, bias_name: str, bias: Tensor
) -> dict[str, Tensor]:
    return {
        f"{name}.conv.weight": state[f"{part}.weight"][None],
        f"{name}.conv.modulation.weight": state[f"{part}.affine.weight"],
        f"{name}.conv.modulation.bias": state[f"{part}.affine.bias"],
        f"{name}.{bias_name}": bias,
    }


def rosinality_file(
    recipe: Recipe2,
    state: Mapping[str, Tensor],
    *,
    converted: bool = True,
    legacy: bool = False,
    changed: Mapping[str, Any] | None = None,
    **beside: Any,
) -> bytes:
    """A converted checkpoint has the mean latent; one of a training has optimisers and its options instead.

    `changed` gives entries of the state dict by their names; None leaves one out. `beside` goes beside it, or into its
    place.
    """
    generator = {**rosinality_state(recipe, state), **(changed or {})}
    tree: dict[str, Any] = {"g_ema": {name: value for name, value in generator.items() if value is not None}}
    if converted:
        tree["latent_avg"] = state["mapping.w_avg"]
    else:
        args = argparse.Namespace(size=recipe.resolution, n_mlp=recipe.mapping_layers, arch="stylegan2", lr=0.002)
        tree |= {"g": {}, "d": {}, "g_optim": {"state": {}}, "d_optim": {"state": {}}, "args": args, "ada_aug_p": 0.0}
    return torch_file({**tree, **beside}, legacy=legacy)


def encoder_bundle(
    recipe: Recipe2, state: Mapping[str, Tensor], encoder: Mapping[str, Tensor] | None = None, **options: Any
) -> bytes:
    """e4e's, pSp's and ReStyle's: an encoder, and a decoder with a mean latent for every row."""
    decoder = {f"decoder.{name}": tensor for name, tensor in rosinality_state(recipe, state).items()}
    encoder = {"input_layer.0.weight": torch.randn(8, 3, 3, 3)} if encoder is None else encoder
    bundle = {f"encoder.{name}": tensor for name, tensor in encoder.items()} | decoder
    mean = state["mapping.w_avg"].repeat(recipe.rows, 1)
    options = {"stylegan_size": recipe.resolution, "start_from_latent_avg": True, "device": "cuda:0", **options}
    return torch_file({"state_dict": bundle, "latent_avg": mean, "opts": options})


def ada_state_file(state: Mapping[str, Tensor]) -> bytes:
    """A state dict of stylegan2-ada-pytorch's generator, saved by hand."""
    return torch_file(dict(state))
