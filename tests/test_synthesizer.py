"""PyTorch's synthesizer is the reference: exact float32, also on a GPU, where PyTorch takes TF32 by itself."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from export.precision import generator_in
from i2s_trt.fused.stylegan1 import FrozenStyleGan1
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.synthesizer import TorchSynthesizer

W_PLUS = np.zeros((2, 6, 16), np.float32)
Flags = tuple[str, str]


def flags() -> Flags:
    backends: Any = torch.backends
    return backends.cudnn.conv.fp32_precision, backends.cuda.matmul.fp32_precision


@pytest.fixture
def generator() -> Generator:
    return Generator.from_weights(random_weights(standard_spec(16, 8, 16), seed=4))


@pytest.fixture
def loose() -> Iterator[Flags]:
    """TF32 wherever it may be."""
    backends: Any = torch.backends
    before = flags()
    backends.cudnn.conv.fp32_precision = backends.cuda.matmul.fp32_precision = "tf32"
    yield flags()
    backends.cudnn.conv.fp32_precision, backends.cuda.matmul.fp32_precision = before


def test_every_layer_computes_in_exact_float32(loose: Flags, generator: Generator) -> None:
    """On the device meta, where the modules are called as on a GPU and nothing is computed."""
    assert loose == ("tf32", "tf32")
    seen: list[Flags] = []
    for layer in generator.synthesis.layers:
        layer.register_forward_hook(lambda *_: seen.append(flags()))
    render = TorchSynthesizer(generator.to("meta"))
    with pytest.raises(NotImplementedError, match="meta"):  # there is no picture to fetch
        render(W_PLUS)
    assert seen == [("ieee", "ieee")] * generator.num_layers
    assert flags() == loose


def test_so_it_does_where_the_network_is_laid_out_anew(
    loose: Flags, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Flags] = []
    plain = FrozenStyleGan1.__call__

    def watched(self: FrozenStyleGan1, *inputs: Any) -> torch.Tensor:
        seen.append(flags())
        return plain(self, *inputs)

    monkeypatch.setattr(FrozenStyleGan1, "__call__", watched)
    TorchSynthesizer(generator).preview(W_PLUS)
    assert seen == [("ieee", "ieee")] * len(W_PLUS)
    assert flags() == loose


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_images_for_metrics_are_float32_in_any_precision(precision: Any, generator: Generator) -> None:
    render = TorchSynthesizer(generator_in(generator, precision))
    for count in (2, 0):
        images = render.images(W_PLUS[:count])
        assert (images.dtype, images.shape) == (np.float32, (count, 3, 16, 16))
