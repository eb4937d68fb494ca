"""StyleGAN2 files that are out of the usual: grown networks, pictures without colour, a generator pickled alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from tests.checkpoints.builders import dumps
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import ada_state_file, generator_module, module_pickle, tf_pickle

SMALL = Recipe2()
GROWN = replace(SMALL, topology="orig")


def grown(**changed: Any) -> bytes:
    """Configurations B to D of NVIDIA's paper: a conversion to RGB for each size, named by its level of detail."""
    state, size = raw_state(GROWN), GROWN.resolution
    own, last = f"synthesis/{size}x{size}/ToRGB", f"synthesis.b{size}.torgb"
    variables = {
        "weight": state[f"{last}.weight"].permute(2, 3, 1, 0).numpy(),
        "bias": state[f"{last}.bias"].numpy(),
        "mod_weight": state[f"{last}.affine.weight"].T.numpy(),
        "mod_bias": state[f"{last}.affine.bias"].numpy() - 1,
    }
    moved: dict[str, Any] = {f"{own}/{leaf}": None for leaf in variables}
    for lod in range(len(GROWN.channels)):
        moved |= {f"synthesis/ToRGB_lod{lod}/{leaf}": value + 3 * lod for leaf, value in variables.items()}
    return tf_pickle(GROWN, state, changed=moved | changed)


def test_of_a_network_that_was_grown_the_last_conversion_to_rgb_draws(tmp_path: Path) -> None:
    (tmp_path / "grown.pkl").write_bytes(grown())
    (tmp_path / "plain.pkl").write_bytes(module_pickle(GROWN, raw_state(GROWN)))
    found, plain = (read_checkpoint(tmp_path / name).weights for name in ("grown.pkl", "plain.pkl"))
    assert found.spec.topology == "orig"
    assert found.digest() == plain.digest()


def test_a_network_that_still_grows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(grown(lod=np.float32(1)))
    with pytest.raises(CheckpointError, match="saved while it still grew") as caught:
        read_checkpoint(tmp_path / "net.pkl")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("channels", "words"), [(1, "one channel, grey pictures"), (4, "four channels, pictures with")]
)
@pytest.mark.parametrize("writer", [module_pickle, lambda _, state: ada_state_file(state)], ids=["pickle", "state"])
def test_pictures_of_other_channels_are_named(channels: int, words: str, writer: Any, tmp_path: Path) -> None:
    state = raw_state(SMALL)
    for name, tensor in state.items():
        if name.endswith(("torgb.weight", "torgb.bias")):
            state[name] = torch.randn(channels, *tensor.shape[1:])
    (tmp_path / "net.pkl").write_bytes(writer(SMALL, state))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "net.pkl")
    assert f"this network draws {words}" in str(caught.value)
    assert "pictures in colour" in caught.value.hint


def test_a_generator_that_was_pickled_alone(tmp_path: Path) -> None:
    state = raw_state(SMALL)
    (tmp_path / "alone.pkl").write_bytes(dumps(generator_module(SMALL, state)))
    (tmp_path / "whole.pkl").write_bytes(module_pickle(SMALL, state))
    alone, whole = (read_checkpoint(tmp_path / name) for name in ("alone.pkl", "whole.pkl"))
    assert alone.kind == whole.kind
    assert alone.weights.digest() == whole.weights.digest()
