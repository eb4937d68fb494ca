"""A model small enough for commands to finish in a blink."""

from pathlib import Path

import pytest

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.models.random_weights import random_weights, standard_spec


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a 16x16 model with six layers of width 24."""
    folder = tmp_path_factory.mktemp("model") / "small"
    weights = random_weights(standard_spec(16, 16, 24), seed=3)
    save_model(folder, ModelInfo("small", weights.spec, weights.digest(), "random weights"), weights)
    return folder


@pytest.fixture(scope="session")
def quick(small: Path) -> tuple[object, ...]:
    """Options of `embed` for a run of five steps."""
    return ("-m", small, "--features", "random", "--steps", 5)
