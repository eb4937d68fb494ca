"""What is trained is what runs: equalised parameters behind the core's own networks."""

import numpy as np
import pytest
import torch

from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.equalised import THRESHOLDS, EqualisedGenerator, level_of_layers
from i2s_trt.training.export_faces import canonical_weights
from i2s_trt.training.factors import COUNT, bends, sample_latents
from i2s_trt.training.trainer import begin, grow, smaller_spec

SPEC = GeneratorSpec(32, COUNT, 128, (16, 16, 12, 8), (128,) * 4)


def latents(count: int, mixing: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(sample_latents(0, count, mixing))


def test_training_runs_the_very_forward_pass_of_the_core() -> None:
    model = EqualisedGenerator(SPEC, 0)
    tensors = {**model.effective(), "mean_w": torch.zeros(128)}
    core = Generator.from_weights(GeneratorWeights(SPEC, tensors))
    z = latents(3)
    with torch.no_grad():
        expected = core.synthesis(core.broadcast(core.mapping(z[:, 0])))
        torch.testing.assert_close(model(z), expected, rtol=1e-5, atol=1e-5)


def test_every_parameter_learns() -> None:
    model = EqualisedGenerator(SPEC, 0)
    model(latents(4)).square().mean().backward()
    for name, parameter in model.raw.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_exported_weights_give_the_same_images_at_another_scale_of_w() -> None:
    model = EqualisedGenerator(SPEC, 1)
    weights = canonical_weights(model, row_norm=8.0)
    core = Generator.from_weights(weights)
    z = latents(400)
    with torch.no_grad():
        w = core.mapping(z[:, 0])
        distance = (w - core.mean_w).norm(dim=1).mean()
        images = core.synthesis(core.broadcast(w[:4]))
        difference = (images - model(z[:4])).abs().mean() / images.std()
    assert distance == pytest.approx(8.0, rel=0.05)
    assert difference < 0.01  # float16 rounding alone
    assert all(tensor.dtype == torch.float16 for tensor in weights.tensors.values())


def test_levels_steer_their_own_layers() -> None:
    assert level_of_layers(12).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    model = EqualisedGenerator(SPEC, 0)
    z = latents(2)
    w_rows = []
    hook = model._core[0].synthesis.register_forward_pre_hook(lambda _, args: w_rows.append(args[0]))
    mixed = z.clone()
    mixed[:, 2] = -z[:, 2]
    with torch.no_grad():
        model(z), model(mixed)
    hook.remove()
    changed = (w_rows[0] != w_rows[1]).any(dim=2)
    assert changed.tolist() == [[False] * 6 + [True] * 2] * 2


def test_the_mapping_starts_as_a_list_of_bent_latent_values() -> None:
    model = EqualisedGenerator(SPEC, 0)
    core = Generator.from_weights(GeneratorWeights(SPEC, {**model.effective(), "mean_w": torch.zeros(128)}))
    z = latents(50)[:, 0]
    w = core.mapping(z)
    leaky = torch.nn.functional.leaky_relu
    for copy, sign in ((0, 1.0), (1, -1.0)):
        bent = torch.tensor([(*bends(index), *THRESHOLDS)[copy] for index in range(COUNT)])
        expected = leaky(sign * (z - bent), 0.2)
        torch.testing.assert_close(w[:, copy * COUNT : (copy + 1) * COUNT], expected, atol=1e-4, rtol=0)


def test_growing_keeps_what_was_learned() -> None:
    small = begin(smaller_spec(SPEC, 16), 3)
    with torch.no_grad():
        for parameter in small.current.raw.values():
            parameter.add_(0.1)
    large, new = grow(small, SPEC, 4)
    assert smaller_spec(SPEC, 16).channels == (16, 16, 12)
    assert torch.equal(large.current.raw["synthesis/const"], small.current.raw["synthesis/const"])
    assert torch.equal(large.current.get_buffer("noise_5"), small.current.get_buffer("noise_5"))
    assert {name.split("/")[2] for name in new if "layers" in name} == {"6", "7"}
    assert any("to_rgb" in name for name in new)
    assert not np.shares_memory(
        large.current.raw["synthesis/const"].detach().numpy(),
        small.current.raw["synthesis/const"].detach().numpy(),
    )
