"""Turns raw StyleGAN1 variables, from whatever container, into the canonical effective weights.

Checkpoints store raw variables; the original network multiplies them by constants at run time (equalised learning
rate, Karras et al. 2018, section 4.1). Here that happens once.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor

from i2s_trt.checkpoints.converted import Converted, check_tensors, complete, count_layers, scaled
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.stylegan1 import StyleGan1Synthesis

_FUSED_FROM = 128  # pixels; "auto" fuses upscaling and convolution from this resolution on
_LAYERS_MAX = 18  # of 1024x1024: a small file must not ask for noise maps that fill the memory


@dataclass(frozen=True)
class RawNetwork:
    """A StyleGAN1 generator as its file has it.

    `tensors` carries the names of `GeneratorWeights`, in PyTorch layout, with raw values; `mean_w` and noise maps
    may be missing. The other fields are the conventions that the values need to be understood.
    """

    tensors: Mapping[str, Tensor]
    fused_scale: bool | Literal["auto"] = "auto"
    mapping_lrmul: float = 0.01
    use_wscale: bool = True
    normalize_z: bool = True
    negative_slope: float = 0.2
    blur_taps: tuple[float, ...] = (1.0, 2.0, 1.0)
    lod: float = 0.0
    truncation_psi: float = 0.7
    truncation_cutoff: int = 8


def convert(raw: RawNetwork) -> Converted:
    """Canonical weights of a raw network.

    Raises:
        CheckpointError: tensors are missing, or have shapes or values that no StyleGAN1 has.
    """
    spec = infer_spec(raw)
    _check_tensors(spec, raw.tensors)
    factor = scales(raw)
    tensors = {name: scaled(tensor, factor(name, tensor)) for name, tensor in raw.tensors.items()}
    for layer in range(2, spec.num_layers, 2):
        if is_fused(raw.fused_scale, spec.layer_resolution(layer)):
            name = f"synthesis.layers.{layer}.weight"
            tensors[name] = tensors[name].flip(2, 3)  # a fused kernel is the unfused one turned by 180 degrees
    return complete(spec, tensors, spec.num_layers)


def is_fused(fused_scale: bool | Literal["auto"], resolution: int) -> bool:
    """Whether the original runs the layer that upsamples to `resolution` as one transposed convolution."""
    return resolution >= _FUSED_FROM if fused_scale == "auto" else fused_scale


def infer_spec(raw: RawNetwork) -> GeneratorSpec:
    """The architecture, read from the shapes of the tensors.

    Raises:
        CheckpointError: a tensor is missing or has an impossible shape.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in raw.tensors.items()}
    layers = count_layers(shapes, "synthesis.layers.{}.bias")
    dense = count_layers(shapes, "mapping.dense.{}.weight")
    if not 4 <= layers <= _LAYERS_MAX or layers % 2 or dense == 0:
        raise CheckpointError(f"{layers} styled layers and {dense} mapping layers do not make a StyleGAN1 generator")
    try:
        widths = tuple(shapes[f"mapping.dense.{i}.weight"][0] for i in range(dense))
        w_dim = shapes["synthesis.layers.0.style.weight"][1]
        labels = shapes.get("mapping.label.weight", (0, 0))[1]
        return GeneratorSpec(
            resolution=2 ** (layers // 2 + 1),
            z_dim=shapes["mapping.dense.0.weight"][1] // (2 if labels else 1),
            w_dim=w_dim,
            channels=tuple(shapes[f"synthesis.layers.{i}.bias"][0] for i in range(0, layers, 2)),
            mapping_widths=widths,
            label_size=labels,
            normalize_z=raw.normalize_z,
            negative_slope=raw.negative_slope,
            blur_taps=raw.blur_taps,
            lod=raw.lod,
            layerwise_mapping=widths[-1] != w_dim,
            truncation_psi=raw.truncation_psi,
            truncation_cutoff=raw.truncation_cutoff,
        )
    except KeyError as error:
        raise CheckpointError(f"the file lacks the tensor that becomes {error}") from error
    except (IndexError, ModelError) as error:
        raise CheckpointError(f"the tensors have shapes that no StyleGAN1 has ({error})") from error


def expected_shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that a generator of this architecture may store."""
    shapes: dict[str, tuple[int, ...]] = {"mean_w": (spec.w_dim,), "synthesis.const": (1, spec.channels[0], 4, 4)}
    inputs = spec.z_dim * (2 if spec.label_size else 1)
    if spec.label_size:
        shapes["mapping.label.weight"] = (spec.z_dim, spec.label_size)
    for i, (width_in, width) in enumerate(pairwise((inputs, *spec.mapping_widths))):
        shapes |= {f"mapping.dense.{i}.weight": (width, width_in), f"mapping.dense.{i}.bias": (width,)}
    for i in range(spec.num_layers):
        channels, size, layer = spec.layer_channels(i), spec.layer_resolution(i), f"synthesis.layers.{i}"
        shapes |= {
            f"{layer}.noise_weight": (channels,),
            f"{layer}.bias": (channels,),
            f"{layer}.noise": (1, 1, size, size),
            f"{layer}.style.weight": (2 * channels, spec.w_dim),
            f"{layer}.style.bias": (2 * channels,),
        }
        if i > 0:
            shapes[f"{layer}.weight"] = (channels, spec.layer_channels(i - 1), 3, 3)
    for lod, channels in enumerate(reversed(spec.channels)):
        shapes |= {f"synthesis.to_rgb.{lod}.weight": (3, channels, 1, 1), f"synthesis.to_rgb.{lod}.bias": (3,)}
    return shapes


def _check_tensors(spec: GeneratorSpec, tensors: Mapping[str, Tensor]) -> None:
    """Every tensor has the shape the architecture asks for and holds numbers; none that is needed is missing."""
    shapes = expected_shapes(spec)
    mapped, one, every = spec.mapping_widths[-1], spec.w_dim, spec.num_layers * spec.w_dim
    if mapped not in (one, every):
        raise CheckpointError(f"the mapping network ends with {mapped} values, not {one} or {every}")
    check_tensors(tensors, shapes)
    used = {f"synthesis.to_rgb.{lod}" for lod in StyleGan1Synthesis.rgb_lods(spec)}
    for name in shapes:
        optional = name == "mean_w" or name.endswith(".noise")
        unused = name.startswith("synthesis.to_rgb.") and name.rpartition(".")[0] not in used
        if name not in tensors and not optional and not unused:
            raise CheckpointError(f"the file lacks the tensor that becomes {name!r}")


def scales(raw: RawNetwork) -> Callable[[str, Tensor], float]:
    """The run-time coefficient of each tensor: gain / sqrt(fan_in) * lrmul, and lrmul alone for mapping biases."""
    gains = {"mapping": math.sqrt(2), "layers": math.sqrt(2), "style": 1.0, "to_rgb": 1.0}

    def scale(name: str, tensor: Tensor) -> float:
        kind = next((key for key in ("style", "to_rgb") if f".{key}." in name), "")
        kind = kind or ("mapping" if name.startswith("mapping.dense.") else "layers")
        lrmul = raw.mapping_lrmul if kind == "mapping" else 1.0
        if name.endswith(".bias"):
            return lrmul
        if not name.endswith(".weight") or name == "mapping.label.weight":
            return 1.0
        fan_in = tensor[0].numel()
        return gains[kind] / math.sqrt(fan_in) * lrmul if raw.use_wscale else lrmul

    return scale
