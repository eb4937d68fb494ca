"""Edits of latents with their records: models and shapes are checked, the result tells what it is."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt import Latent, expression_transfer, morph, read_latent, save_latent, style_transfer
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec

LAYERS, WIDTH = 6, 5
MODEL, OTHER = "a" * 64, "b" * 64


def latent(seed: int, model: str = MODEL, rows: int = LAYERS, image: str = "") -> Latent:
    values = np.random.default_rng(seed).normal(size=(rows, WIDTH)).astype(np.float32)
    return Latent(values, model_digest=model, image_digest=image)


def test_results_carry_model_and_making(tmp_path: Path) -> None:
    first, second, third = latent(1, image="x"), latent(2, model="", image="y"), latent(3)
    results = {
        "morph": morph(first, second, 0.25),
        "crossover": style_transfer(second, first),
        "expression": expression_transfer(second, first, third, 0.5, threshold=0.0),
    }
    for name, result in results.items():
        assert result.model_digest == MODEL
        assert result.options["operation"] == name
        save_latent(tmp_path / "edited.safetensors", result)
        again = read_latent(tmp_path / "edited.safetensors")
        np.testing.assert_array_equal(again.w_plus, result.w_plus)
        assert again.options == result.options
    assert results["morph"].extra["made_from_images"] == ["x", "y"]
    assert results["crossover"].options["layers"] == [3, 4, 5]


def test_ends_are_exact() -> None:
    first, second, third = latent(1), latent(2), latent(3)
    np.testing.assert_array_equal(morph(first, second, 1.0).w_plus, first.w_plus)
    np.testing.assert_array_equal(morph(first, second, 0.0).w_plus, second.w_plus)
    np.testing.assert_array_equal(style_transfer(first, second, []).w_plus, first.w_plus)
    np.testing.assert_array_equal(style_transfer(first, second, range(LAYERS)).w_plus, second.w_plus)
    np.testing.assert_array_equal(expression_transfer(first, second, third, 0.0).w_plus, first.w_plus)


def test_a_latent_in_w_adapts_to_those_in_w_plus() -> None:
    in_w, in_w_plus = latent(1, rows=1), latent(2)
    middle = morph(in_w, in_w_plus, 0.5).w_plus
    np.testing.assert_allclose(middle, (in_w.w_plus + in_w_plus.w_plus) / 2, rtol=1e-6)
    assert morph(in_w, latent(3, rows=1)).w_plus.shape == (1, WIDTH)


def test_latents_of_different_models_are_refused() -> None:
    with pytest.raises(LatentError, match=r"different models .*a{12}, b{12}"):
        morph(latent(1), latent(2, model=OTHER))
    with pytest.raises(LatentError, match="different models"):
        expression_transfer(latent(1, model=""), latent(2), latent(3, model=OTHER))
    with pytest.raises(LatentError, match=r"shape \[4, 5\]"):
        style_transfer(latent(1), latent(2, rows=4))
    with pytest.raises(UsageError, match="no layer 6"):
        style_transfer(latent(1), latent(2), [6])


def test_style_begins_where_the_model_says() -> None:
    """In a StyleGAN2 a row earlier: its rows belong to convolutions, and 4x4 has one."""
    generator = Generator.from_weights(random_weights(stylegan2_spec(32, 4, WIDTH), seed=1))
    first, second = (latent(seed, model=generator.digest, rows=8) for seed in (1, 2))
    assert style_transfer(first, second).options["layers"] == [4, 5, 6, 7]
    assert style_transfer(first, second, generator=generator).options["layers"] == [3, 4, 5, 6, 7]
    assert style_transfer(first, second, [2], generator=generator).options["layers"] == [2]
    with pytest.raises(LatentError, match="made with another model"):
        style_transfer(latent(1, rows=8), second, generator=generator)
