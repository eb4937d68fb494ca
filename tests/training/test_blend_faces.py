"""A model between two others: its ends are they themselves, and its middle is neither."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.store import load_generator, load_weights
from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights
from i2s_trt.training.blend_faces import blend, main


@pytest.fixture(scope="module")
def shipped() -> GeneratorWeights:
    return load_weights("demo")


@pytest.fixture(scope="module")
def other(shipped: GeneratorWeights) -> GeneratorWeights:
    """The shipped model with other biases."""
    changed = {name: one + 0.05 if name.endswith("bias") else one for name, one in shipped.tensors.items()}
    return replace(shipped, tensors=changed)


@torch.no_grad()
def picture(weights: GeneratorWeights) -> torch.Tensor:
    generator = Generator.from_weights(weights)
    z = torch.from_numpy(np.random.default_rng(3).standard_normal((2, generator.z_dim), dtype=np.float32))
    latent = generator.mapping(z).unsqueeze(1).expand(-1, generator.num_layers, -1)
    image: torch.Tensor = generator.synthesis(latent)
    return image


def test_its_ends_are_the_two(shipped: GeneratorWeights, other: GeneratorWeights) -> None:
    apart = float((picture(shipped) - picture(other)).abs().mean())
    assert float((picture(blend(shipped, other, 0.0)) - picture(shipped)).abs().mean()) < 0.05 * apart
    assert float((picture(blend(shipped, other, 1.0)) - picture(other)).abs().mean()) < 0.05 * apart


def test_its_middle_is_neither(shipped: GeneratorWeights, other: GeneratorWeights) -> None:
    middle = picture(blend(shipped, other, 0.5))
    apart = float((picture(shipped) - picture(other)).abs().mean())
    for end in (shipped, other):
        assert 0.2 * apart < float((middle - picture(end)).abs().mean()) < 0.9 * apart


def test_another_architecture_is_refused(shipped: GeneratorWeights) -> None:
    narrow = replace(shipped.spec, channels=(16, 16, 16, 16, 16, 16))
    with pytest.raises(CheckpointError, match="not of the trained architecture"):
        blend(shipped, random_weights(narrow, 0), 0.5)


def test_the_command_leaves_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["demo", "demo", "0.5", str(tmp_path)])
    assert load_generator(str(tmp_path)).resolution == 128
    assert len(capsys.readouterr().out.strip()) == 64
