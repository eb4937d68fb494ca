"""A model that ships goes back into training, with room for new factors."""

from dataclasses import replace

import pytest
import torch

from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.equalised import THRESHOLDS, EqualisedGenerator
from i2s_trt.training.export_faces import canonical_weights
from i2s_trt.training.factors import COUNT, sample_latents
from i2s_trt.training.trainer import Trained, begin
from i2s_trt.training.widen import take_over

OLD = COUNT - 6
SPEC = GeneratorSpec(32, OLD, 2 * OLD + 14, (16, 16, 12, 8), (2 * OLD + 14,) * 4)
WIDER = replace(SPEC, z_dim=COUNT)


def latents(count: int = 8) -> torch.Tensor:
    return torch.from_numpy(sample_latents(0, count))


@pytest.fixture
def trained() -> EqualisedGenerator:
    """A generator whose weights have moved a little away from their start."""
    model, random = EqualisedGenerator(SPEC, 3), torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.raw.values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=random))
    return model


@pytest.fixture
def shipped(trained: EqualisedGenerator) -> GeneratorWeights:
    """As `export_faces` writes it: w scaled."""
    tensors = {name: tensor.detach().clone() for name, tensor in trained.effective().items()}
    last = len(SPEC.mapping_widths) - 1
    for name, tensor in tensors.items():
        if name.startswith(f"mapping.dense.{last}."):
            tensor.mul_(0.2)
        elif name.endswith(".style.weight"):
            tensor.div_(0.2)
    return GeneratorWeights(SPEC, {**tensors, "mean_w": torch.zeros(SPEC.w_dim)})


def taken_over(spec: GeneratorSpec, shipped: GeneratorWeights) -> Trained:
    model = begin(spec, 0)
    take_over(model, shipped)
    return model


def w_of(model: EqualisedGenerator, z: torch.Tensor) -> torch.Tensor:
    tensors = {**model.effective(), "mean_w": torch.zeros(model.spec.w_dim)}
    w: torch.Tensor = Generator.from_weights(GeneratorWeights(model.spec, tensors)).mapping(z)
    return w


@torch.no_grad()
def test_a_model_of_the_same_factors_draws_the_same_pictures(
    trained: EqualisedGenerator, shipped: GeneratorWeights
) -> None:
    model = taken_over(SPEC, shipped)
    z = latents()[:, :, :OLD]
    assert torch.allclose(model.current(z), trained(z), atol=2e-4)
    assert torch.equal(model.current(z), model.average(z))


def test_the_rounding_of_a_file_hardly_shows() -> None:
    whole = EqualisedGenerator(WIDER, 3)
    model = taken_over(WIDER, canonical_weights(whole))
    with torch.no_grad():
        assert (model.current(latents()) - whole(latents())).abs().mean() < 0.01


@torch.no_grad()
def test_new_factors_change_w_and_not_yet_the_picture(shipped: GeneratorWeights) -> None:
    model = taken_over(WIDER, shipped)
    z = latents()
    turned = z.clone()
    turned[:, :, OLD:] = turned[:, :, OLD:].flip(-1)  # keeps the mean square
    assert torch.allclose(model.current(z), model.current(turned), atol=1e-5)
    first, second = (w_of(model.current, latent[:, 0]) for latent in (z, turned))
    spare = slice(SPEC.w_dim - SPEC.w_dim % OLD, None)
    assert torch.equal(first[:, : spare.start], second[:, : spare.start])
    for place, bent in enumerate(first[:, spare].T):
        factor, threshold, sign = OLD + place % 6, THRESHOLDS[place // 6], 1 - 2 * (place // 6 % 2)
        expected = torch.nn.functional.leaky_relu(sign * (z[:, 0, factor] - threshold), 0.2)
        torch.testing.assert_close(bent / bent.std(), expected / expected.std(), atol=2e-3, rtol=0)


def test_new_factors_are_learned_from_the_first_step(shipped: GeneratorWeights) -> None:
    model = taken_over(WIDER, shipped)
    model.current(latents()).square().mean().backward()
    spare = slice(SPEC.w_dim - SPEC.w_dim % OLD, None)
    for name in (name for name in model.current.raw if name.endswith("style/weight")):
        gradient = model.current.raw[name].grad
        assert gradient is not None
        assert gradient[:, spare].abs().sum() > 0, name


@torch.no_grad()
def test_old_factors_keep_their_meaning(trained: EqualisedGenerator, shipped: GeneratorWeights) -> None:
    z = latents(32)
    old = z[:, :, :OLD] / z[:, :, :OLD].square().mean(dim=2, keepdim=True).sqrt()
    widened, original = taken_over(WIDER, shipped).current(z), trained(old)
    other = trained(old.roll(1, 0))
    assert (widened - original).square().mean() < 0.25 * (other - original).square().mean()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(SPEC, z_dim=OLD - 1), "draws"),
        (replace(SPEC, z_dim=OLD + 30), "has room for"),
        (replace(WIDER, channels=(16, 16, 12, 4)), "architecture"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(spec: GeneratorSpec, message: str, shipped: GeneratorWeights) -> None:
    with pytest.raises(CheckpointError, match=message):
        take_over(begin(spec, 0), shipped)


def test_a_model_is_widened_once(shipped: GeneratorWeights) -> None:
    model = taken_over(WIDER, shipped)
    tensors = {name: tensor.detach() for name, tensor in model.average.effective().items()}
    again = GeneratorWeights(WIDER, {**tensors, "mean_w": torch.zeros(SPEC.w_dim)})
    with pytest.raises(CheckpointError, match="widened before"):
        take_over(begin(replace(WIDER, z_dim=COUNT + 1), 0), again)
