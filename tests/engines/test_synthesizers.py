"""Synthesizers by name: all render alike."""

import numpy as np
import pytest
import torch

from engines.synthesizers import ENGINES, choose_synthesizer, onnx_runtime_synthesizer
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer


@pytest.fixture(scope="module")
def large() -> Generator:
    """512 pixels with few channels, so that previews differ from pictures."""
    return Generator.from_weights(random_weights(standard_spec(512, 4, 12), seed=1))


def latents(generator: Generator, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    random = torch.Generator().manual_seed(0)
    w = generator.mapping(torch.randn(count, generator.z_dim, generator=random))
    return np.ascontiguousarray(generator.broadcast(w).numpy())


def test_onnx_runtime_renders_what_pytorch_does(large: Generator) -> None:
    reference: Synthesizer = TorchSynthesizer(large)
    other: Synthesizer = onnx_runtime_synthesizer(large)
    w_plus = latents(large, 3)
    assert (other.resolution, other.num_layers, other.w_dim) == (512, 16, 12)
    for name, shape in (("__call__", (3, 512, 512, 3)), ("preview", (3, 256, 256, 3))):
        expected, actual = (getattr(synthesizer, name)(w_plus) for synthesizer in (reference, other))
        assert actual.shape == shape
        assert actual.dtype == np.uint8
        assert np.abs(actual.astype(int) - expected).max() <= 1
    np.testing.assert_allclose(other.images(w_plus), reference.images(w_plus), atol=1e-3)


def test_auto_takes_pytorch_until_a_graph_is_there(toy: Generator) -> None:
    before = choose_synthesizer("auto", toy)
    assert (before.engine, "onnxruntime" in before.reason) == ("torch", True)
    made = choose_synthesizer("onnxruntime", toy)
    picture = made.synthesizer(latents(toy, 1))
    after = choose_synthesizer("auto", toy)
    assert after.engine == "onnxruntime"
    np.testing.assert_array_equal(after.synthesizer(latents(toy, 1)), picture)


def test_unknown_engines_are_refused(toy: Generator) -> None:
    with pytest.raises(UsageError, match="no engine named warp") as caught:
        choose_synthesizer("warp", toy)
    assert all(engine in caught.value.mend for engine in ENGINES)


@pytest.mark.parametrize("backend", ["tensorrt", "tensorrt-rtx"])
def test_an_engine_that_is_not_built_is_explained(toy: Generator, backend: str) -> None:
    choice = choose_synthesizer(backend, toy)
    with pytest.raises(EnvironmentFault, match=f"no {backend} engine renders synthesis") as caught:
        choice.synthesizer(latents(toy, 1))
    assert f"build-engines --backend {backend}" in caught.value.mend
