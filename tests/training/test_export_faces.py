"""A model that ships goes back into training."""

from dataclasses import replace

import pytest
import torch

from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.equalised import EqualisedGenerator
from i2s_trt.training.export_faces import canonical_weights, take_over
from i2s_trt.training.factors import COUNT, sample_latents
from i2s_trt.training.trainer import begin

SPEC = GeneratorSpec(32, COUNT, 2 * COUNT + 14, (16, 16, 12, 8), (2 * COUNT + 14,) * 4)


@pytest.fixture
def trained() -> EqualisedGenerator:
    """A generator whose weights have moved a little away from their start."""
    model, random = EqualisedGenerator(SPEC, 3), torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.raw.values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=random))
    return model


@torch.no_grad()
def test_it_draws_the_same_pictures_but_for_the_rounding_of_a_file(trained: EqualisedGenerator) -> None:
    model, z = begin(SPEC, 0), torch.from_numpy(sample_latents(0, 8))
    take_over(model, canonical_weights(trained))
    apart = (model.current(z) - trained(z)).abs().mean()
    assert apart < 0.01
    assert torch.equal(model.current(z), model.average(z))


@torch.no_grad()
def test_w_has_the_size_at_which_it_was_trained(trained: EqualisedGenerator) -> None:
    model = begin(SPEC, 0)
    take_over(model, canonical_weights(trained))
    last = f"mapping/dense/{len(SPEC.mapping_widths) - 1}/weight"
    weights = [
        generator.raw[last] * generator.constants[last.replace("/", ".")] for generator in (model.current, trained)
    ]
    assert float(weights[0].diagonal().abs().mean()) == pytest.approx(1.0, abs=1e-3)
    assert float(weights[0].norm() / weights[1].norm()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("spec", [replace(SPEC, z_dim=COUNT - 1), replace(SPEC, channels=(16, 16, 12, 4))])
def test_another_architecture_is_refused(spec: GeneratorSpec, trained: EqualisedGenerator) -> None:
    with pytest.raises(CheckpointError, match="architecture"):
        take_over(begin(spec, 0), canonical_weights(trained))


def test_a_model_without_a_layer_is_refused(trained: EqualisedGenerator) -> None:
    weights = canonical_weights(trained)
    tensors = {name: tensor for name, tensor in weights.tensors.items() if name != "synthesis.const"}
    with pytest.raises(CheckpointError, match=r"synthesis\.const"):
        take_over(begin(SPEC, 0), GeneratorWeights(SPEC, tensors))
