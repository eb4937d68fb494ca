"""The generator against what the original code computed, and its own contracts."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import ModelError
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.stylegan1 import StyleGan1Synthesis
from tests.conftest import DATA, load_reference

W_TOLERANCE, IMAGE_TOLERANCE, ACTIVATION_TOLERANCE = 2e-5, 5e-5, 2e-4


@pytest.fixture(scope="module", params=["tiny32", "small128"])
def pair(request: pytest.FixtureRequest) -> tuple[Generator, dict[str, Tensor]]:
    weights = read_checkpoint(DATA / f"{request.param}.pkl").weights
    return Generator.from_weights(weights), load_reference(request.param)


def close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=0)


def test_w_and_truncated_w_plus_match_the_original(pair: tuple[Generator, dict[str, Tensor]]) -> None:
    generator, reference = pair
    w = generator.mapping(reference["z"])
    close(w, reference["w"], W_TOLERANCE)
    close(generator.truncate(w, psi=0.7, cutoff=8), reference["wplus_trunc_psi07_cut8"], W_TOLERANCE)
    close(generator.mean_w, reference["dlatent_avg"], 0)


def test_images_match_the_original(pair: tuple[Generator, dict[str, Tensor]]) -> None:
    generator, reference = pair
    expected = reference["img_wplus"]
    close(generator(reference["wplus"][: len(expected)]), expected, IMAGE_TOLERANCE)
    expected = reference["img_z_psi07_cut8"]
    w = generator.mapping(reference["z"][: len(expected)])
    close(generator(generator.truncate(w)), expected, IMAGE_TOLERANCE)


def test_eight_bit_images_match_the_original(pair: tuple[Generator, dict[str, Tensor]]) -> None:
    generator, reference = pair
    expected = reference["img_z_psi07_uint8_nhwc"].numpy().astype(int)
    w = generator.mapping(reference["z"][: len(expected)])
    difference = abs(to_pixels(generator(generator.truncate(w))).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.002


def test_every_recorded_activation_matches_the_original(pair: tuple[Generator, dict[str, Tensor]]) -> None:
    generator, reference = pair
    compared = 0
    for index, activation in enumerate(generator.synthesis.activations(reference["wplus"][:1])):
        size = generator.spec.layer_resolution(index)
        kind = ("Const", "Conv")[index] if index < 2 else ("Conv0_up", "Conv1")[index % 2]
        expected = reference.get(f"act_{size}x{size}_{kind}")
        if expected is not None:
            close(activation[:, : expected.shape[1]], expected, ACTIVATION_TOLERANCE)
            compared += 1
    assert compared >= 6


def test_psi_one_without_truncation_matches_the_original(tiny: Generator, tiny_reference: dict[str, Tensor]) -> None:
    images = tiny(tiny.broadcast(tiny.mapping(tiny_reference["z"])))
    close(images, tiny_reference["img_z_psi1"], IMAGE_TOLERANCE)


def test_the_moving_average_is_used_and_not_the_raw_generator(
    tiny: Generator, tiny_reference: dict[str, Tensor]
) -> None:
    image = tiny(tiny.broadcast(tiny.mapping(tiny_reference["z"][:1])))
    assert (image - tiny_reference["G_img_z0_psi1"]).abs().max() > 0.1


@pytest.mark.parametrize("resolution", [8, 16, 32, 64, 128, 256])
def test_any_power_of_two_runs(resolution: int) -> None:
    spec = standard_spec(resolution, channels_max=8, w_dim=16)
    generator = Generator.from_weights(random_weights(spec, seed=1))
    images = generator(generator.broadcast(generator.mapping(torch.randn(2, 16))))
    assert images.shape == (2, 3, resolution, resolution)
    assert images.isfinite().all()
    assert images.std() > 0.1


def test_truncation_ends_are_exact(toy: Generator) -> None:
    w = toy.mapping(torch.randn(3, toy.z_dim))
    assert torch.equal(toy.truncate(w, psi=0.0, cutoff=99), toy.mean_w.expand(3, toy.num_layers, -1))
    torch.testing.assert_close(toy.truncate(w, psi=1.0), toy.broadcast(w))
    fine_untouched = toy.truncate(w, psi=0.2, cutoff=4)
    torch.testing.assert_close(fine_untouched[:, 4:], toy.broadcast(w)[:, 4:])
    assert not torch.allclose(fine_untouched[:, :4], toy.broadcast(w)[:, :4])


def test_each_layer_listens_to_its_own_row(toy: Generator) -> None:
    w_plus = toy.broadcast(toy.mapping(torch.randn(1, toy.z_dim))).clone()
    before = list(toy.synthesis.activations(w_plus))
    w_plus[:, 3] += 1
    for index, (old, new) in enumerate(zip(before, toy.synthesis.activations(w_plus), strict=True)):
        assert torch.equal(old, new) == (index < 3)


def test_stored_noise_makes_rendering_deterministic_and_other_noise_changes_it(toy: Generator) -> None:
    w_plus = toy.broadcast(toy.mapping(torch.randn(1, toy.z_dim)))
    assert torch.equal(toy.synthesis(w_plus), toy.synthesis(w_plus, toy.synthesis.stored_noise()))
    other = [torch.randn_like(noise) for noise in toy.synthesis.stored_noise()]
    assert not torch.allclose(toy.synthesis(w_plus), toy.synthesis(w_plus, other))


def test_pictures_of_a_landscape_model_are_the_middle_rows() -> None:
    spec = replace(standard_spec(32, 8, 16), crop=(4, 28))
    generator = Generator.from_weights(random_weights(spec, seed=0))
    w_plus = generator.broadcast(generator.mapping(torch.randn(1, 16)))
    picture = generator(w_plus)
    assert picture.shape == (1, 3, 24, 32)
    assert torch.equal(picture, generator.synthesis(w_plus)[:, :, 4:28])


def test_a_w_plus_of_another_shape_is_refused(toy: Generator) -> None:
    with pytest.raises(ModelError, match=r"\[1, 5, 24\], not \[N, 6, 24\]"):
        toy.synthesis(torch.zeros(1, 5, 24))


def test_labels_for_an_unconditional_model_are_refused(toy: Generator) -> None:
    with pytest.raises(ModelError, match="unconditional"):
        toy.mapping(torch.zeros(1, toy.z_dim), torch.zeros(1, 3))


def test_weights_that_do_not_fit_are_refused_by_name() -> None:
    weights = random_weights(standard_spec(16, 8, 16), seed=0)
    short = {name: tensor for name, tensor in weights.tensors.items() if name != "synthesis.const"}
    with pytest.raises(ModelError, match=r"synthesis\.const"):
        Generator.from_weights(GeneratorWeights(weights.spec, short))
    wrong = {**weights.tensors, "mapping.dense.0.weight": torch.zeros(3, 3)}
    with pytest.raises(ModelError, match=r"mapping\.dense\.0\.weight"):
        Generator.from_weights(GeneratorWeights(weights.spec, wrong))


def test_the_digest_tells_weights_and_architectures_apart() -> None:
    weights = random_weights(standard_spec(16, 8, 16), seed=0)
    again = random_weights(standard_spec(16, 8, 16), seed=0)
    assert weights.digest() == again.digest()
    assert weights.digest() != random_weights(standard_spec(16, 8, 16), seed=1).digest()
    assert weights.digest() != GeneratorWeights(replace(weights.spec, crop=(2, 14)), weights.tensors).digest()


def test_the_generator_is_frozen(toy: Generator) -> None:
    assert not toy.training
    assert not any(parameter.requires_grad for parameter in toy.parameters())


def test_level_of_detail_selects_the_coarser_image(toy: Generator) -> None:
    base = random_weights(standard_spec(16, 8, 16), seed=2)
    rgb = {f"synthesis.to_rgb.{lod}.{leaf}": torch.randn(3, 8, 1, 1) if leaf == "weight" else torch.randn(3)
           for lod in (1, 2) for leaf in ("weight", "bias")}  # fmt: skip
    tensors = {**base.tensors, **rgb}

    def render(lod: float) -> Tensor:
        generator = Generator.from_weights(GeneratorWeights(replace(base.spec, lod=lod), tensors))
        return generator.crop(generator.synthesis(generator.mean_w_plus.unsqueeze(0) + 0.3))

    assert StyleGan1Synthesis.rgb_lods(replace(base.spec, lod=0.25)) == (0, 1)
    coarse = render(1.0)
    assert torch.equal(coarse[..., ::2, ::2], coarse[..., 1::2, 1::2])
    torch.testing.assert_close(render(0.25), torch.lerp(render(0.0), coarse, 0.25), atol=1e-5, rtol=1e-5)
