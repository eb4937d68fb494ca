"""The encoder's graph, run by ONNX Runtime in PyTorch's place."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.errors import ExportError
from export.keys import Precision
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.checkpoints.encoders import TrainedEncoder
from i2s_trt.errors import ModelError
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.pyramid_encoder import PyramidEncoder, PyramidSpec
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.models.vgg import Vgg16, random_vgg16
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


def of_kind(kind: str) -> GraphSource:
    """A small StyleGAN2 with an encoder as e4e's or ReStyle's."""
    generator = Generator.from_weights(random_weights(stylegan2_spec(32, 8, 9), seed=3))
    refines = "Backbone" in kind
    spec = PyramidSpec(generator.num_layers, 9, (16, 16, 16, 16), pyramid=not refines, looks_at_its_guess=refines)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = PyramidEncoder(spec).eval().requires_grad_(False)
    encoder = TrainedEncoder(network, generator.digest, {}, generator if refines else None)
    return GraphSource(lambda: generator, random_vgg16, None, generator.digest, lambda: encoder)


def test_an_encoder_that_came_with_its_model(shared_home: Path) -> None:
    source = of_kind("Encoder4Editing")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    runner = OnnxRuntimeRunner(export_graph(source, "encoder", "fp32"))
    ours, theirs = runner({"images": to_target(picture)[None].numpy()})["w_plus"][0], source.encoder(picture)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * float(np.abs(theirs).max()))


def test_one_that_looks_at_its_guesses_is_no_graph(shared_home: Path) -> None:
    with pytest.raises(ExportError, match="that is not one graph") as caught:
        export_graph(of_kind("BackboneEncoder"), "encoder", "fp32")
    assert "--init encoder" in caught.value.hint


def test_another_encoder_is_another_graph(toy: Generator, vgg: Vgg16) -> None:
    source = made_from(toy, vgg)
    other = made_from(toy, vgg)
    other.encoder.network.mean_w.add_(1.0)
    assert source.key("encoder", "fp32") != other.key("encoder", "fp32")
    assert source.key("images", "fp32") == other.key("images", "fp32")
