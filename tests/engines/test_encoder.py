"""The encoder's graph, run by ONNX Runtime in PyTorch's place."""

from pathlib import Path

import numpy as np
import pytest

from engines.encoder import onnx_encoder
from export.source import GraphSource
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.errors import ModelError
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.export.shared import made_from, slim

PIXEL = ObjectiveOptions(layer_weights={})


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("fp16", 2e-2)])
def test_it_guesses_what_pytorch_does(shared_home: Path, precision: str, tolerance: float) -> None:
    source = slim(64)
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    ours, theirs = onnx_encoder(source, precision)(picture), source.encoder(picture)  # type: ignore[arg-type]
    assert ours.shape == (source.generator.num_layers, source.generator.w_dim)
    np.testing.assert_allclose(ours, theirs, atol=tolerance * float(np.abs(theirs).max()))


def test_an_embedding_starts_from_it(shared_home: Path, toy: Generator, vgg: Vgg16) -> None:
    source = made_from(toy, vgg)
    picture = np.full((16, 16, 3), 120, np.uint8)
    options = EmbedOptions(steps=0, init="encoder", objective=PIXEL)
    (result,) = embed(toy, [picture], options, vgg=vgg, initial=onnx_encoder(source))
    np.testing.assert_allclose(result.latent.w_plus, source.encoder(picture), atol=1e-4)


def test_without_a_trained_encoder_there_is_nothing_to_export(toy: Generator, vgg: Vgg16) -> None:
    source = GraphSource(lambda: toy, lambda: vgg, model_digest=toy.digest)
    with pytest.raises(ModelError, match="no encoder has been trained") as caught:
        onnx_encoder(source)
    assert "train-encoder" in caught.value.mend


def test_another_encoder_is_another_graph(toy: Generator, vgg: Vgg16) -> None:
    source = made_from(toy, vgg)
    other = made_from(toy, vgg)
    other.encoder.network.mean_w.add_(1.0)
    assert source.key("encoder", "fp32") != other.key("encoder", "fp32")
    assert source.key("images", "fp32") == other.key("images", "fp32")
