"""Writers of StyleGAN1 files for tests: variables of any architecture, and pickles as the original code writes them."""

import io
import math
import pickle
import pickletools
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from i2s_trt.arrays import Array
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.models.generator import Generator

Variables = dict[str, Array]


@dataclass(frozen=True)
class Recipe:
    """A small random network: its architecture, and the keyword arguments it was "trained" with."""

    channels: tuple[int, ...] = (7, 6, 5)
    z_dim: int = 12
    w_dim: int = 10
    mapping_widths: tuple[int, ...] = (14, 9)
    label_size: int = 0
    lod: float = 0.0
    kwargs: dict[str, Any] = field(default_factory=dict)
    seed: int = 1

    @property
    def resolution(self) -> int:
        return int(2 ** (len(self.channels) + 1))


def tf_variables(recipe: Recipe) -> Variables:
    """Raw variables under the names of the TensorFlow network, components as prefixes."""
    random = np.random.default_rng(recipe.seed)
    variables: Variables = {}

    def draw(name: str, *shape: int, deviation: float = 1.0) -> None:
        variables[name] = (random.standard_normal(shape) * deviation).astype(np.float32)

    def weight(name: str, *shape: int, gain: float = math.sqrt(2), lrmul: float = 1.0) -> None:
        he = 1.0 if recipe.kwargs.get("use_wscale", True) else gain / math.sqrt(math.prod(shape[:-1]))
        draw(name, *shape, deviation=he / lrmul)

    variables["lod"] = np.float32(recipe.lod)  # type: ignore[assignment]
    draw("dlatent_avg", recipe.w_dim)
    if recipe.label_size:
        draw("mapping/LabelConcat/weight", recipe.label_size, recipe.z_dim)
    lrmul = recipe.kwargs.get("mapping_lrmul", 0.01)
    widths = (recipe.z_dim * (2 if recipe.label_size else 1), *recipe.mapping_widths, recipe.w_dim)
    for i in range(len(widths) - 1):
        weight(f"mapping/Dense{i}/weight", widths[i], widths[i + 1], lrmul=lrmul)
        draw(f"mapping/Dense{i}/bias", widths[i + 1], deviation=0.1 / lrmul)
    variables["synthesis/lod"] = np.float32(recipe.lod)  # type: ignore[assignment]
    for i in range(2 * len(recipe.channels)):
        draw(f"synthesis/noise{i}", 1, 1, 4 * 2 ** (i // 2), 4 * 2 ** (i // 2))
    before = recipe.channels[0]
    for stage, channels in enumerate(recipe.channels):
        size = 4 * 2**stage
        for kind in ("Const", "Conv") if size == 4 else ("Conv0_up", "Conv1"):
            prefix = f"synthesis/{size}x{size}/{kind}"
            if kind == "Const":
                draw(f"{prefix}/const", 1, channels, 4, 4)
            else:
                weight(f"{prefix}/weight", 3, 3, before, channels)
            draw(f"{prefix}/Noise/weight", channels, deviation=0.3)
            draw(f"{prefix}/bias", channels, deviation=0.3)
            weight(f"{prefix}/StyleMod/weight", recipe.w_dim, 2 * channels, gain=1.0)
            draw(f"{prefix}/StyleMod/bias", 2 * channels, deviation=0.3)
            before = channels
        lod = len(recipe.channels) - 1 - stage
        weight(f"synthesis/ToRGB_lod{lod}/weight", 1, 1, channels, 3, gain=1.0)
        draw(f"synthesis/ToRGB_lod{lod}/bias", 3, deviation=0.3)
    return variables


def static_kwargs(recipe: Recipe) -> dict[str, Any]:
    """What the original keeps as `static_kwargs`."""
    sizes = {"num_channels": 3, "resolution": recipe.resolution, "label_size": recipe.label_size}
    return {**sizes, "latent_size": recipe.z_dim, "dlatent_size": recipe.w_dim, **recipe.kwargs}


class Network:
    """What the original pickles: an object with a state dictionary."""

    def __init__(self, name: str, variables: Mapping[str, Any], kwargs: Mapping[str, Any], **more: Any) -> None:
        self.state = {
            "version": 3, "name": name, "static_kwargs": kwargs, "components": {}, "build_module_src": "",
            "build_func_name": name, "variables": list(variables.items()), **more,
        }  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return self.state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


class EasyDict(dict[str, Any]):
    """The original's dictionary with attributes."""


def persistent_object(meta: dict[str, Any]) -> object:
    """Stands for `torch_utils.persistence._reconstruct_persistent_obj`; writing needs only its name."""
    raise AssertionError("the file was executed")


class Persistent:
    """Pickles as a network of StyleGAN2-ADA's or StyleGAN3's PyTorch code."""

    def __init__(self, class_name: str, module_src: str, state: dict[str, Any]) -> None:
        self.meta = {"type": "class", "version": 6, "module_src": module_src, "class_name": class_name, "state": state}

    def __reduce__(self) -> tuple[Any, ...]:
        return persistent_object, (self.meta,)


@contextmanager
def original_modules() -> Iterator[None]:
    """The originals' modules exist for as long as a pickle is written (or a trusted one is read)."""
    names = ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network", "dnnlib.util", "torch_utils", "torch_utils.persistence")
    modules = {name: types.ModuleType(name) for name in names}
    homes: dict[Any, tuple[str, str]] = {
        Network: ("dnnlib.tflib.network", "Network"),
        EasyDict: ("dnnlib.util", "EasyDict"),
        persistent_object: ("torch_utils.persistence", "_reconstruct_persistent_obj"),
    }
    with mock.patch.dict(sys.modules, modules):
        for thing, (module, name) in homes.items():
            setattr(modules[module], name, thing)
            thing.__module__, thing.__qualname__, thing.__name__ = module, name, name
        yield


def dumps(tree: Any, protocol: int = 4) -> bytes:
    """Real pickle bytes, with the originals' names for classes."""
    with original_modules():
        return pickle.dumps(tree, protocol)


def load_trusted(path: Path) -> tuple[Variables, dict[str, Any]]:
    """Variables and options of a reference pickle, read by the standard library and none of the project's code."""
    with original_modules():
        network = pickle.loads(path.read_bytes())[2]
    variables = dict(network.state["variables"])
    for prefix, part in network.state["components"].items():
        variables |= {f"{prefix}/{name}": value for name, value in part.state["variables"]}
    return variables, dict(network.state["static_kwargs"])


def network(variables: Mapping[str, Any], kwargs: Mapping[str, Any], **more: Any) -> Network:
    """A network with a synthesis and a mapping component."""
    parts: dict[str, dict[str, Any]] = {"": {}, "synthesis": {}, "mapping": {}}
    for name, value in variables.items():
        prefix, _, local = name.partition("/")
        prefix, local = (prefix, local) if prefix in parts else ("", name)
        parts[prefix][local] = value
    components = {name: Network(f"G_{name}", parts[name], kwargs) for name in ("synthesis", "mapping")}
    return Network("Gs", parts[""], kwargs, **{"components": components, "build_func_name": "G_style", **more})


def network_pickle(recipe: Recipe, protocol: int = 4, **more: Any) -> bytes:
    """`(G, D, Gs)` of a recipe. G differs from Gs, to show which one is read."""
    kwargs = static_kwargs(recipe)
    variables = tf_variables(recipe)
    other = {name: value * 0 for name, value in variables.items()}
    return dumps((network(other, kwargs), Network("D", {}, {}), network(variables, kwargs, **more)), protocol)


def generator(path: Path, data: bytes) -> Generator:
    """The project's reading of a file with these bytes."""
    path.write_bytes(data)
    return Generator.from_weights(read_checkpoint(path).weights)


def old_numpy(data: bytes) -> bytes:
    """The same pickle as NumPy 1 would have written it: `numpy.core` for `numpy._core`."""
    frames = [at for opcode, _, at in pickletools.genops(data) if opcode.name == "FRAME" and at is not None]
    for at in reversed(frames):
        data = data[:at] + data[at + 9 :]
    for name in (b"multiarray", b"numeric"):
        new, old = b"numpy._core." + name, b"numpy.core." + name
        data = data.replace(bytes([len(new)]) + new, bytes([len(old)]) + old).replace(b"c" + new, b"c" + old)
    return data


def torch_file(tree: Any, *, legacy: bool = False) -> bytes:
    """The bytes of `torch.save`."""
    stream = io.BytesIO()
    torch.save(tree, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()
