"""What TF32 products do to the gradient, emulated: as little as the comments on number formats say."""

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from torch import Tensor

from i2s_trt.arithmetic import Precision
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.fused import layout
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from tests.embedding.loss.tf32 import Tf32Convolutions, nearest, truncated
from tests.fused.maps import distance

EXACT = EmbedOptions(objective=ObjectiveOptions(perceptual_size=64))
ROUNDINGS = pytest.mark.parametrize("rounded", [nearest, truncated])


def test_ten_bits_are_kept() -> None:
    step = 2.0**-10
    values = torch.tensor([1 + step, 1 + 0.5 * step, 1 + 1.5 * step, 1 + 0.6 * step, -1 - 0.6 * step, 0.0])
    assert nearest(values).tolist() == [1 + step, 1, 1 + 2 * step, 1 + step, -1 - step, 0]
    assert truncated(values).tolist() == [1 + step, 1, 1 + step, 1, -1, 0]


@ROUNDINGS
def test_near_a_shipped_models_end_tf32_is_nearer_than_bf16(vgg: Vgg16, rounded: Callable[[Tensor], Tensor]) -> None:
    """Where the loss is small, gradients suffer most: bf16 is 0.13 off there, and 0.05 if it begins above 32 pixels."""
    generator = load_generator(Path(str(files("i2s_trt") / "weights" / "demo")))
    random = torch.Generator().manual_seed(1)
    w_plus = generator.broadcast(generator.mapping(torch.rand(2, generator.z_dim, generator=random)))
    away = torch.randn(w_plus[:1].shape, generator=random)
    variable = w_plus[:1] + 0.03 * (w_plus[1] - w_plus[0]).norm() * away / away.norm()
    gradient, target = Gradient(generator, vgg, EXACT), generator(w_plus[:1])
    wanted = gradient(variable, gradient.objective(target))[1]
    with Tf32Convolutions(rounded):
        ours = gradient(variable, gradient.objective(target))[1]
    assert 1e-3 < distance(ours, wanted) < 0.05


@ROUNDINGS
def test_float32_up_to_32_pixels_pays_in_tf32_too(
    vgg: Vgg16, monkeypatch: pytest.MonkeyPatch, rounded: Callable[[Tensor], Tensor]
) -> None:
    generator = Generator.from_weights(random_weights(standard_spec(64, 16, 24), seed=4))
    random = torch.Generator().manual_seed(5)
    variable = 0.3 * torch.randn(1, generator.num_layers, 24, generator=random)
    targets = torch.rand(1, 3, 64, 64, generator=random) * 2 - 1
    options = replace(EXACT, objective=ObjectiveOptions(layer_weights={"conv1_1": 1.0}))

    def computed(precision: Precision) -> Tensor:
        gradient = Gradient(generator, vgg, replace(options, precision=precision))
        return gradient(variable, gradient.objective(targets))[1]

    wanted = computed("fp32")
    with Tf32Convolutions(rounded):
        ours = computed("bf16")
    monkeypatch.setattr(layout, "FLOAT32_UP_TO", 0)
    assert distance(ours, wanted) < 0.5 * distance(computed("bf16"), wanted)
