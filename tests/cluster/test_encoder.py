"""A model's encoder on its way to a worker: embeddings start there from the one that the driver names."""

from pathlib import Path
from typing import Any

import pytest
import torch

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.encoders import TrainedEncoder, load_encoder
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.model import ModelParcel, pack_model, unpack_model
from i2s_trt.cluster.options import cluster_options
from i2s_trt.errors import ModelError
from i2s_trt.models.encoder import Encoder
from i2s_trt.models.random_weights import random_weights
from tests.cluster.models import SPEC


def save_with_encoder(folder: Path, seed: int) -> TrainedEncoder:
    """A model folder with an encoder of that seed, which it came with."""
    torch.manual_seed(seed)
    weights = random_weights(SPEC, seed=3)
    info = ModelInfo(folder.name, SPEC, weights.digest(), "test")
    save_model(folder, info, weights, TrainedEncoder(Encoder(SPEC).eval(), info.digest, {"seed": seed}))
    return load_encoder(load_generator(folder))


def test_one_decoder_with_another_encoder_is_another_model(own_home: Path) -> None:
    save_with_encoder(own_home / "models/mine", 1)
    other = save_with_encoder(own_home / "models/other", 2)
    info = ModelInfo("mine", SPEC, other.model_digest, "test")
    assert unpack_model(ModelParcel("mine", info)).endswith("mine")
    assert unpack_model(ModelParcel("mine", info, encoder=other.digest)).endswith("other")


def test_a_model_arrives_with_its_encoder(
    machines: Any, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = save_with_encoder(own_home / "models/mine", 1)
    with joined(cluster_options(machines.address), "cpu"):
        parcel = pack_model("mine", with_encoder=True)
        monkeypatch.setenv("I2S_TRT_HOME", str(tmp_path / "elsewhere"))
        save_with_encoder(tmp_path / "elsewhere/models/mine", 2)
        fetched = load_encoder(load_generator(unpack_model(parcel)))
        with pytest.raises(ModelError, match="no encoder"):
            pack_model("random-16", with_encoder=True)
    assert (fetched.digest, fetched.recipe) == (encoder.digest, {"seed": 1})
