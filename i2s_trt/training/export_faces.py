"""A checkpoint of training becomes the model folder that ships (effective weights, scaled, in float16), and back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.equalised import EqualisedGenerator
from i2s_trt.training.faces import SPEC, load_checkpoint
from i2s_trt.training.factors import sample_latents
from i2s_trt.training.trainer import Trained, begin

# Mean distance of w from the mean. At this scale some hundred steps of 0.004 converge near the training cloud, and the
# paper's threshold of 1 keeps the rows of a difference that carry the expression.
ROW_NORM = 3.2
SOURCE = "trained on procedural portraits (python -m i2s_trt.training.faces)"


@torch.no_grad()
def canonical_weights(model: EqualisedGenerator, seed: int = 0, row_norm: float = ROW_NORM) -> GeneratorWeights:
    """Canonical float16 weights whose mean |w - mean w| is `row_norm`; images stay what they were.

    Leaky ReLU is homogeneous: scaling the last dense layer scales w, and the styles' weights take it back.
    """
    tensors = {name: tensor.detach().clone() for name, tensor in model.effective().items()}
    w = _sample_w(model, tensors, seed)
    factor = row_norm / float((w - w.mean(dim=0)).norm(dim=1).mean())
    _scale_w(tensors, factor, model.spec)
    tensors["mean_w"] = w.mean(dim=0) * factor
    return GeneratorWeights(model.spec, {name: tensor.half().contiguous() for name, tensor in tensors.items()})


def take_over(model: Trained, shipped: GeneratorWeights) -> None:
    """Start `model` where a shipped model ended: what `canonical_weights` did, undone but for the rounding.

    Raises:
        CheckpointError: the shipped model is of another architecture.
    """
    tensors = {name: tensor.float().clone() for name, tensor in shipped.tensors.items()}
    last = f"mapping.dense.{len(shipped.spec.mapping_widths) - 1}.weight"
    _scale_w(tensors, 1.0 / float(tensors[last].diagonal().abs().mean()), shipped.spec)
    for generator in (model.current, model.average):
        _load(generator, tensors)


def _load(generator: EqualisedGenerator, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, constant in generator.constants.items():
            parameter, given = generator.raw[name.replace(".", "/")], tensors.get(name)
            if given is None or given.shape != parameter.shape:
                raise CheckpointError(f"the model's {name} is not of the trained architecture", "take the demo model")
            parameter.copy_(given / constant)
        for index in range(generator.spec.num_layers):
            generator.get_buffer(f"noise_{index}").copy_(tensors[f"synthesis.layers.{index}.noise"])


def _scale_w(tensors: dict[str, Tensor], factor: float, spec: GeneratorSpec) -> None:
    """Make w so many times as long, in place, and the styles that much less sensitive to it."""
    last = f"mapping.dense.{len(spec.mapping_widths) - 1}."
    for name, tensor in tensors.items():
        if name.startswith(last):
            tensor.mul_(factor)
        elif name.endswith(".style.weight"):
            tensor.div_(factor)


def _sample_w(model: EqualisedGenerator, tensors: dict[str, Tensor], seed: int, count: int = 10_000) -> Tensor:
    generator = Generator.from_weights(
        GeneratorWeights(model.spec, {**tensors, "mean_w": torch.zeros(model.spec.w_dim)})
    )
    latents = torch.from_numpy(sample_latents(seed, count, mixing=0.0)[:, 0])
    w: Tensor = generator.mapping(latents)
    return w


def export(checkpoint: Path, folder: Path, name: str = "demo") -> ModelInfo:
    """Writes `model.safetensors` and `model.json` into `folder`."""
    spec = replace(SPEC, truncation_psi=0.7, truncation_cutoff=SPEC.num_layers)
    model = begin(SPEC, 0)
    load_checkpoint(checkpoint, model)
    return keep(replace(canonical_weights(model.average), spec=spec), folder, name)


def keep(weights: GeneratorWeights, folder: Path, name: str = "demo") -> ModelInfo:
    """Writes weights as the model folder that ships."""
    info = ModelInfo(name, weights.spec, weights.digest(), SOURCE, licence="CC0-1.0")
    save_model(folder, info, weights)
    return info


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.export_faces CHECKPOINT FOLDER`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(argv)
    print(export(options.checkpoint, options.folder).digest)


if __name__ == "__main__":
    main()
