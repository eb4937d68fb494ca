"""The encoder's graph, run by ONNX Runtime in PyTorch's place."""

from pathlib import Path

import numpy as np
import pytest

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.keys import Precision
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.errors import ModelError
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.export.shared import made_from, slim


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("fp16", 2e-2)])
def test_it_guesses_what_pytorch_does(shared_home: Path, precision: Precision, tolerance: float) -> None:
    source = slim(64)
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    runner = OnnxRuntimeRunner(export_graph(source, "encoder", precision))
    ours, theirs = runner({"images": to_target(picture)[None].numpy()})["w_plus"][0], source.encoder(picture)
    assert ours.shape == (source.generator.num_layers, source.generator.w_dim)
    np.testing.assert_allclose(ours, theirs, atol=tolerance * float(np.abs(theirs).max()))


def test_without_a_trained_encoder_there_is_nothing_to_export(toy: Generator, vgg: Vgg16) -> None:
    source = GraphSource(lambda: toy, lambda: vgg, model_digest=toy.digest)
    with pytest.raises(ModelError, match="no encoder has been trained") as caught:
        export_graph(source, "encoder", "fp32")
    assert "train-encoder" in caught.value.hint


def test_another_encoder_is_another_graph(toy: Generator, vgg: Vgg16) -> None:
    source = made_from(toy, vgg)
    other = made_from(toy, vgg)
    other.encoder.network.mean_w.add_(1.0)
    assert source.key("encoder", "fp32") != other.key("encoder", "fp32")
    assert source.key("images", "fp32") == other.key("images", "fp32")
