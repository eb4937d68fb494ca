"""16x16 generators as model folders, which are in no worker's store."""

from pathlib import Path

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.models.random_weights import random_weights, standard_spec

SPEC = standard_spec(16, 16, 24)


def save_toy(folder: Path, name: str = "toy", seed: int = 3) -> str:
    """Write one, by default the generator `toy`; its path."""
    weights = random_weights(SPEC, seed=seed)
    save_model(folder / name, ModelInfo(name, SPEC, weights.digest(), "test"), weights)
    return str(folder / name)
