"""Official TensorFlow pickles: `(G, D, Gs)`, of which Gs, the moving average, is used."""

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2s_trt.arrays import Array
from i2s_trt.checkpoints.convert import RawNetwork
from i2s_trt.checkpoints.options import refuse_repetition
from i2s_trt.checkpoints.records import ArrayRecord, NetworkRecord
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2
from i2s_trt.checkpoints.tf_stylegan2 import is_stylegan2, raw_tf_stylegan2
from i2s_trt.errors import CheckpointError

_HINT = "use a StyleGAN1 or StyleGAN2 checkpoint, for example: i2s-trt models pull ffhq"
_PREFIX = re.compile(r"^(G_)?(synthesis|mapping)/")
_VERSIONS = (2, 3, 4, 5)  # StyleGAN1 2 and 3, StyleGAN2 4, StyleGAN2-ADA 5
_SLOPES = {"lrelu": 0.2, "relu": 0.0}
# options under which the network would compute something else, with the values that are implemented
_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "use_styles": (True,), "const_input_layer": (True,), "use_instance_norm": (True,), "use_pixel_norm": (False,),
    "num_channels": (3,), "fused_scale": (True, False, "auto"),
    "nonlinearity": tuple(_SLOPES), "mapping_nonlinearity": tuple(_SLOPES),
}  # fmt: skip


def read_tf_pickle(tree: Any) -> RawNetwork | RawStyleGan2:
    """The moving-average generator of what `read_pickle` gave.

    Raises:
        CheckpointError: not a pickle of a StyleGAN generator; the message names what it is.
    """
    network = _moving_average(tree)
    variables = _variables(network)
    distinct = {id(array): array.nbytes for array in variables.values()}
    refuse_repetition(sum(array.nbytes for array in variables.values()), sum(distinct.values()))
    if is_stylegan2(variables):
        return raw_tf_stylegan2(variables, _kwargs(network))
    _check_architecture(network, variables)
    return _raw(variables, _options(network))


def _moving_average(tree: Any) -> NetworkRecord:
    """Gs of `(G, D, Gs)`, or a network that was pickled alone."""
    if isinstance(tree, tuple | list) and len(tree) == 3:
        tree = tree[2]
    if not isinstance(tree, NetworkRecord) or not hasattr(tree, "state"):
        raise CheckpointError("the pickle holds no (G, D, Gs) networks", _HINT)
    return tree


def _variables(network: NetworkRecord) -> dict[str, Array]:
    """All variables of a network and its components, named `synthesis/...` and `mapping/...`."""
    found = {}
    components = network.state.get("components") or {}
    for prefix, part in (("", network), *components.items()):
        if not isinstance(prefix, str) or not isinstance(part, NetworkRecord):
            raise CheckpointError("a component of the network is not a network", _HINT)
        _check_version(part)
        for name, value in part.state.get("variables", []):
            if not isinstance(name, str) or not isinstance(value, ArrayRecord):
                raise CheckpointError(f"a variable of network {prefix!r} is not a named array", _HINT)
            full = f"{prefix}/{name}" if prefix and not _PREFIX.match(name) else name
            found[_PREFIX.sub(lambda match: f"{match[2]}/", full)] = value.array
    return found


def _check_version(network: NetworkRecord) -> None:
    """Another version of `dnnlib` may mean something else by the same names."""
    version = _to_plain(network.state.get("version"))
    if version is not None and version not in _VERSIONS:
        known = ", ".join(map(str, _VERSIONS))
        raise CheckpointError(f"a network was saved in version {str(version)[:40]} of its format, not {known}", _HINT)


def _check_architecture(network: NetworkRecord, variables: dict[str, Any]) -> None:
    if "synthesis/4x4/Const/const" not in variables or "mapping/Dense0/weight" not in variables:
        name = network.state.get("build_func_name")
        builder = f" (built by {name[:80]!r})" if isinstance(name, str) else ""
        raise CheckpointError(f"this network{builder} is not a StyleGAN1 or StyleGAN2 generator", _HINT)


def _options(network: NetworkRecord) -> dict[str, Any]:
    """The keyword arguments of a StyleGAN1; unknown ones are harmless and ignored."""
    options = _kwargs(network)
    for name, supported in _SUPPORTED.items():
        if name in options and options[name] not in supported:
            raise CheckpointError(
                f"this StyleGAN1 was trained with {name}={str(options[name])[:80]}; supported: "
                + ", ".join(map(str, supported))
            )
    if options.get("nonlinearity", "lrelu") != options.get("mapping_nonlinearity", "lrelu"):
        raise CheckpointError("this StyleGAN1 uses different nonlinearities in mapping and synthesis")
    return options


def _kwargs(network: NetworkRecord) -> dict[str, Any]:
    """The keyword arguments of the network and its components."""
    options: dict[str, Any] = {}
    for part in (network, *(network.state.get("components") or {}).values()):
        options.update(part.state.get("static_kwargs") or {})
    return {name: _to_plain(value) for name, value in options.items()}


def _to_plain(value: Any) -> Any:
    """An option's value without records: NumPy's numbers as Python's, and everything odd as its type's name."""
    if isinstance(value, list | tuple):
        return [item if isinstance(item, str | float | int) else type(item).__name__ for item in value]
    if isinstance(value, ArrayRecord):
        return value.array.tolist()
    return value if isinstance(value, str | float | int | None) else type(value).__name__


def _blur_taps(taps: Any) -> tuple[float, ...]:
    """The blur filter as numbers; an even number of taps would shift the picture by half a pixel."""
    taps = () if taps is None else taps
    if not all(isinstance(tap, int | float) for tap in taps) or len(taps) % 2 == 0 < len(taps):
        raise CheckpointError("this StyleGAN1 was trained with a blur_filter that is not a row of 1, 3, 5, ... numbers")
    return tuple(float(tap) for tap in taps)


def _level_of_detail(variables: dict[str, Array], options: dict[str, Any]) -> float:
    """The stored `lod`: running the whole network copies its own into the synthesis network."""
    if options.get("structure") == "fixed":
        return 0.0
    return float(variables.get("lod", variables.get("synthesis/lod", np.zeros(()))).item())


def _raw(variables: dict[str, Array], options: dict[str, Any]) -> RawNetwork:
    tensors = {}
    for name, array in variables.items():
        target = canonical_name(name)
        if target:
            tensors[target] = _torch_layout(target, array)
    psi, cutoff = options.get("truncation_psi", 0.7), options.get("truncation_cutoff", 8)
    truncates = psi is not None and cutoff is not None
    return RawNetwork(
        tensors=tensors if options.get("use_noise", True) else _drop_noise(tensors),
        fused_scale=options.get("fused_scale", "auto"),
        mapping_lrmul=float(options.get("mapping_lrmul", 0.01)),
        use_wscale=bool(options.get("use_wscale", True)),
        normalize_z=bool(options.get("normalize_latents", True)),
        negative_slope=_SLOPES[options.get("nonlinearity", "lrelu")],
        blur_taps=_blur_taps(options.get("blur_filter", (1, 2, 1))),
        lod=_level_of_detail(variables, options),
        truncation_psi=float(psi) if truncates else 1.0,
        truncation_cutoff=int(cutoff) if truncates else 8,
    )


def canonical_name(name: str) -> str:
    """The canonical name of a TensorFlow variable; empty for those a generator does not need."""
    if name == "dlatent_avg":
        return "mean_w"
    if name == "mapping/LabelConcat/weight":
        return "mapping.label.weight"
    if match := re.fullmatch(r"mapping/Dense(\d+)/(weight|bias)", name):
        return f"mapping.dense.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"synthesis/noise(\d+)", name):
        return f"synthesis.layers.{match[1]}.noise"
    if match := re.fullmatch(r"synthesis/ToRGB_lod(\d+)/(weight|bias)", name):
        return f"synthesis.to_rgb.{match[1]}.{match[2]}"
    match = re.fullmatch(r"synthesis/(\d+)x\1/(Const|Conv|Conv0_up|Conv1)/(.+)", name)
    return _layer_name(int(match[1]), match[2], match[3]) if match else ""


def _layer_name(resolution: int, kind: str, leaf: str) -> str:
    if leaf == "const":
        return "synthesis.const"
    layer = 2 * (resolution.bit_length() - 3) + (kind in ("Conv", "Conv1"))
    leaf = {"Noise/weight": "noise_weight", "StyleMod/weight": "style.weight", "StyleMod/bias": "style.bias"}.get(
        leaf, leaf
    )
    return f"synthesis.layers.{layer}.{leaf}"


def _torch_layout(name: str, array: Array) -> Tensor:
    """HWIO -> OIHW for convolutions, [in, out] -> [out, in] for dense layers."""
    tensor = torch.from_numpy(array.astype(np.float32))
    if name.endswith("weight") and tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1)
    return tensor.T if name.endswith("weight") and tensor.ndim == 2 else tensor


def _drop_noise(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    biases = {name: tensor for name, tensor in tensors.items() if re.search(r"layers\.\d+\.bias$", name)}
    return tensors | {name.replace(".bias", ".noise_weight"): torch.zeros_like(t) for name, t in biases.items()}
