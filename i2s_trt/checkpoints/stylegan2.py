"""Turns raw StyleGAN2 variables, from whatever container, into the canonical effective weights.

Checkpoints store raw variables, multiplied by constants at run time (equalised learning rate). All families do it
alike: gain / sqrt(fan_in), in the mapping network times its learning-rate multiplier. Here that happens once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from i2s_trt.checkpoints.converted import INCOMPLETE, Converted, check_tensors, complete, count_layers, scaled
from i2s_trt.checkpoints.encoder_bundle import BundledEncoder
from i2s_trt.checkpoints.options import check_sizes
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.models.generator import Generator
from i2s_trt.models.spec import GeneratorSpec, Topology

LARGEST = 2048  # pixels: a small file must not ask for noise maps that fill the memory


@dataclass(frozen=True)
class RawStyleGan2:
    """A StyleGAN2 generator as its file has it.

    `tensors` carries the names of `GeneratorWeights`, in PyTorch layout, with raw values; `mean_w` and noise maps may
    be missing. The other fields are the conventions that the values need to be understood.

    Attributes:
        mapping_rate: learning-rate multiplier of the mapping network.
        topology: as the file names it; None finds it out from the tensors.
        label_gain: what the label's weight is multiplied by; None for 1 / sqrt(labels).
        truncation_cutoff: None for all rows.
        encoder: what came with the generator to guess its latents.
        notes: on what the file holds besides.
        stated: sizes that the file states, by the names of `GeneratorSpec`'s fields; None for what it does not.
        pictures: what its training called its pictures, such as `cars_encode`.
    """

    tensors: Mapping[str, Tensor]
    mapping_rate: float = 0.01
    topology: str | None = None
    resample_taps: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    conv_clamp: float | None = None
    normalize_z: bool = True
    normalize_label: bool = False
    label_gain: float | None = 1.0
    truncation_psi: float = 0.7
    truncation_cutoff: int | None = None
    encoder: BundledEncoder | None = None
    notes: tuple[str, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)
    pictures: str = ""


def convert_stylegan2(raw: RawStyleGan2) -> Converted:
    """Canonical weights of a raw network.

    Raises:
        CheckpointError: tensors are missing, or have shapes or values that no StyleGAN2 has.
    """
    spec = _infer_spec(raw)
    check_sizes(raw.stated, spec)
    _check_tensors(spec, raw.tensors)
    tensors = {name: scaled(tensor, scale(raw, name, tensor)) for name, tensor in raw.tensors.items()}
    _check_encoder(spec, raw.encoder)
    return complete(spec, tensors, spec.num_layers - 1, raw.notes)


def _infer_spec(raw: RawStyleGan2) -> GeneratorSpec:
    """The architecture, read from the shapes of the tensors."""
    shapes = {name: tuple(tensor.shape) for name, tensor in raw.tensors.items()}
    layers, dense = count_layers(shapes, "synthesis.layers.{}.bias"), count_layers(shapes, "mapping.dense.{}.weight")
    blocks = (layers + 1) // 2
    if layers % 2 == 0 or dense == 0 or 2 ** (blocks + 1) > LARGEST:
        raise CheckpointError(
            f"{layers} styled layers and {dense} mapping layers do not make a StyleGAN2 generator",
            INCOMPLETE,
        )
    try:
        labels = shapes.get("mapping.label.weight", (0, 0))[1]
        embedded = shapes["mapping.label.weight"][0] if labels else 0
        z_dim = shapes["mapping.dense.0.weight"][1] - embedded
        if z_dim < 1:
            raise CheckpointError(f"a label of {embedded} numbers leaves none for z", "download the file again")
        cutoff = 2 * blocks if raw.truncation_cutoff is None else raw.truncation_cutoff
        return GeneratorSpec(
            resolution=2 ** (blocks + 1),
            z_dim=z_dim,
            w_dim=shapes["synthesis.layers.0.style.weight"][1],
            channels=tuple(shapes[f"synthesis.layers.{max(0, 2 * block - 1)}.bias"][0] for block in range(blocks)),
            mapping_widths=tuple(shapes[f"mapping.dense.{i}.weight"][0] for i in range(dense)),
            label_size=labels,
            label_width=0 if embedded == z_dim else embedded,
            normalize_z=raw.normalize_z,
            truncation_psi=raw.truncation_psi,
            truncation_cutoff=cutoff,
            architecture="stylegan2",
            topology=_topology(raw, shapes),
            resample_taps=raw.resample_taps,
            conv_clamp=raw.conv_clamp,
            normalize_label=raw.normalize_label and labels > 0,
        )
    except KeyError as error:
        raise CheckpointError(f"the file lacks the tensor that becomes {error}", INCOMPLETE) from error
    except (IndexError, ModelError) as error:
        reason = error.args[0]
        raise CheckpointError(f"the tensors have shapes that no StyleGAN2 has ({reason})", INCOMPLETE) from error


def _topology(raw: RawStyleGan2, names: Mapping[str, object]) -> Topology:
    if any(name.startswith("synthesis.skips.") for name in names):
        found: Topology = "resnet"
    else:
        found = "skip" if "synthesis.to_rgb.0.weight" in names else "orig"
    if raw.topology is not None and raw.topology != found:
        raise CheckpointError(
            f"the file says architecture {raw.topology[:40]!r} and holds the tensors of {found!r}", INCOMPLETE
        )
    return found


def expected_shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that a StyleGAN2 of this architecture stores."""
    with torch.device("meta"):
        state = Generator(spec).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith(".energy")}


def _check_tensors(spec: GeneratorSpec, tensors: Mapping[str, Tensor]) -> None:
    """Every tensor has the shape the architecture asks for and holds numbers; none that is needed is missing."""
    shapes = expected_shapes(spec)
    if spec.mapping_widths[-1] != spec.w_dim:
        ends = spec.mapping_widths[-1]
        raise CheckpointError(f"the mapping network ends with {ends} values, not {spec.w_dim}", INCOMPLETE)
    check_tensors(tensors, shapes)
    for name in shapes:
        if name not in tensors and name != "mean_w" and not name.endswith(".noise"):
            raise CheckpointError(f"the file lacks the tensor that becomes {name!r}", INCOMPLETE)


def _check_encoder(spec: GeneratorSpec, encoder: BundledEncoder | None) -> None:
    if encoder and (encoder.spec.rows, encoder.spec.w_dim) != (spec.num_layers, spec.w_dim):
        rows, w_dim = encoder.spec.rows, encoder.spec.w_dim
        wanted = f"{spec.num_layers} of {spec.w_dim}"
        raise CheckpointError(
            f"the file's encoder guesses {rows} rows of {w_dim}, and its decoder takes {wanted}", INCOMPLETE
        )


def scale(raw: RawStyleGan2, name: str, tensor: Tensor) -> float:
    """The run-time coefficient of a tensor."""
    if name == "mapping.label.weight":
        return raw.label_gain if raw.label_gain is not None else 1.0 / math.sqrt(tensor.shape[1])
    if name.startswith("mapping.dense."):  # the square root of 2 is the gain of the leaky ReLU that follows
        rate = raw.mapping_rate * math.sqrt(2)
        return rate if name.endswith(".bias") else rate / math.sqrt(tensor.shape[1])
    return 1.0 / math.sqrt(tensor[0].numel()) if name.endswith(".weight") else 1.0
