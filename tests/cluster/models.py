"""The 16x16 generator `toy` as a model folder, which is in no worker's store."""

from pathlib import Path

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.models.random_weights import random_weights, standard_spec

SPEC = standard_spec(16, 16, 24)


def save_toy(folder: Path) -> str:
    """Write it; its path."""
    weights = random_weights(SPEC, seed=3)
    save_model(folder / "toy", ModelInfo("toy", SPEC, weights.digest(), "test"), weights)
    return str(folder / "toy")
