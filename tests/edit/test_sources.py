"""Latents by name."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt.edit.sources import LatentSource
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed

W_PLUS = np.random.default_rng(0).normal(size=(6, 24)).astype(np.float32)


def test_files_seeds_and_the_mean(toy: Generator, tmp_path: Path) -> None:
    source = LatentSource.of(toy)
    save_latent(tmp_path / "a.safetensors", Latent(W_PLUS, model_digest=toy.digest))
    np.testing.assert_array_equal(source.latent(str(tmp_path / "a.safetensors")), W_PLUS)
    np.testing.assert_array_equal(source.latent("seed:7"), w_plus_from_seed(toy, 7))
    np.testing.assert_array_equal(source.latent("mean"), toy.mean_w_plus.numpy())
    assert source.latent("mean").flags.c_contiguous


def test_relative_names_start_beside_a_file(toy: Generator, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", W_PLUS)
    np.save(tmp_path / "d.npy", W_PLUS[:1])
    source = LatentSource.of(toy)
    beside = source.beside(tmp_path / "recipe.toml")
    np.testing.assert_array_equal(beside.latent("a.npy"), W_PLUS)
    np.testing.assert_array_equal(beside.latent(str(tmp_path / "a.npy")), W_PLUS)
    np.testing.assert_array_equal(beside.direction_vector("d.npy"), np.repeat(W_PLUS[:1], 6, axis=0))
    beside.direction_vector("d.npy")
    assert [direction.name for direction in source.directions_read] == ["d.npy"]
    with pytest.raises(LatentError, match=r"a\.npy cannot be read"):
        source.latent("a.npy")


def test_a_latent_in_w_is_repeated(toy: Generator, tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", W_PLUS[0])
    found = LatentSource.of(toy).latent(str(tmp_path / "w.npy"))
    np.testing.assert_array_equal(found, np.repeat(W_PLUS[:1], 6, axis=0))


def test_other_models_are_refused_unless_told(toy: Generator, tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(W_PLUS, model_digest="f" * 64))
    path = str(tmp_path / "a.safetensors")
    for read in (LatentSource.of(toy).latent, LatentSource.of(toy).direction):
        with pytest.raises(LatentError, match=r"a\.safetensors: the latent was made with another model"):
            read(path)
    anything = LatentSource.of(toy, any_model=True)
    np.testing.assert_array_equal(anything.latent(path), W_PLUS)
    np.testing.assert_array_equal(anything.direction_vector(path), W_PLUS)


@pytest.mark.parametrize(
    ("name", "words"), [
        ("several.npy", "3 latents where one is needed"), ("short.npy", r"shape \[4, 24\]"), ("none.npy", "cannot"),
        ("seed:4294967296", "seeds go from 0"), ("seed:-1", "not a latent file"), ("seed:x", "not a latent file"),
        ("", "folder|not a latent file"),
    ],
)  # fmt: skip
def test_what_is_no_latent_is_refused_by_name(toy: Generator, tmp_path: Path, name: str, words: str) -> None:
    np.save(tmp_path / "several.npy", np.stack([W_PLUS] * 3))
    np.save(tmp_path / "short.npy", W_PLUS[:4])
    with pytest.raises(LatentError) as caught:
        LatentSource.of(toy).beside(tmp_path / "x").latent(name)
    assert caught.match(words) or words in str(caught.value)
    assert caught.value.hint


def test_a_space_without_generator_knows_neither_mean_nor_seeds() -> None:
    source = LatentSource(LatentSpace(6, 24))
    for name, words in {"mean": "mean latent of this model is unknown", "seed:1": "seed:1 cannot be drawn"}.items():
        with pytest.raises(LatentError, match=words):
            source.latent(name)
