"""Two models of one ancestor become the model between them: what one gained, without all of what it forgot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from i2s_trt.checkpoints.store import load_weights
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.training.export_faces import canonical_weights, keep, take_over
from i2s_trt.training.trainer import begin


def blend(first: GeneratorWeights, second: GeneratorWeights, share: float) -> GeneratorWeights:
    """Canonical float16 weights that lie `share` of the way from `first` to `second`, both with w as it was trained.

    Raises:
        CheckpointError: the two are of different architectures.
    """
    models = begin(first.spec, 0), begin(first.spec, 0)
    for model, weights in zip(models, (first, second), strict=True):
        take_over(model, weights)
    between, other = (model.average for model in models)
    with torch.no_grad():
        tensors = zip((*between.parameters(), *between.buffers()), (*other.parameters(), *other.buffers()), strict=True)
        for tensor, wanted in tensors:
            if tensor.is_floating_point():
                tensor.lerp_(wanted, share)
    return canonical_weights(between)


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.blend_faces FIRST SECOND SHARE FOLDER`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("first", help="a model's name or folder")
    parser.add_argument("second")
    parser.add_argument("share", type=float, help="of the way from the first to the second")
    parser.add_argument("folder", type=Path, help="for model.safetensors and model.json")
    options = parser.parse_args(argv)
    weights = blend(load_weights(options.first), load_weights(options.second), options.share)
    print(keep(weights, options.folder).digest)


if __name__ == "__main__":
    main()
