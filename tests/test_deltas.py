"""Deltas: what one picture changes in a model, its file, and models with it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from i2s_trt.arrays import Array
from i2s_trt.deltas import (
    Delta,
    changed,
    delta_of,
    delta_path,
    is_delta,
    mixed,
    read_delta,
    remove_delta,
    rounded,
    save_delta,
)
from i2s_trt.errors import LatentError
from i2s_trt.latents import latent_digest
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.models.stylegan2 import StyleGan2Synthesis

W_PLUS = np.ones((6, 24), np.float32)
NAME = "synthesis.layers.4.weight"
matrices = arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=st.floats(-10, 10, width=32))


def delta(generator: Generator, **tensors: Array) -> Delta:
    size = tuple(generator.state_dict()[NAME].shape)
    own = {NAME: rounded(np.random.default_rng(0).standard_normal(size).astype(np.float32))}
    own |= {name.replace("__", "."): array for name, array in tensors.items()}
    return Delta(generator.digest, latent_digest(W_PLUS), own, {"options": {"steps": 3}})


@pytest.fixture
def latent(tmp_path: Path, toy: Generator) -> Path:
    """A latent's name with a delta beside it."""
    path = tmp_path / "ann.safetensors"
    save_delta(delta_path(path), delta(toy))
    return path


@given(matrices)
def test_rounding_is_fine_and_done_once(array: Array) -> None:
    once = rounded(array)
    largest = np.abs(array).max(axis=1, keepdims=True)
    assert (np.abs(once - array) <= largest / 254 + 1e-6).all()
    np.testing.assert_allclose(rounded(once), once, rtol=1e-6, atol=1e-6)


def test_a_file_gives_back_what_was_saved(latent: Path, toy: Generator) -> None:
    found, saved = delta_of(latent, W_PLUS, toy.digest), delta(toy)
    assert found is not None
    assert (found.model_digest, found.latent_digest, found.record) == (
        saved.model_digest, saved.latent_digest, saved.record,
    )  # fmt: skip
    np.testing.assert_allclose(found.tensors[NAME], saved.tensors[NAME], rtol=1e-6)
    assert delta_path(latent).stat().st_size < 1.1 * saved.tensors[NAME].size + 2000, "a byte a number"


def test_names(tmp_path: Path) -> None:
    assert delta_path(tmp_path / "a.b.safetensors").name == "a.b.delta.safetensors"
    assert is_delta(Path("ann.delta.safetensors"))
    assert not is_delta(Path("delta.safetensors"))
    assert delta_of(tmp_path / "none.safetensors", W_PLUS, "") is None
    remove_delta(tmp_path / "none.safetensors")


def test_a_removed_delta_changes_nothing_any_more(latent: Path, toy: Generator) -> None:
    remove_delta(latent)
    assert delta_of(latent, W_PLUS, toy.digest) is None


def test_of_another_model_or_latent(latent: Path, toy: Generator) -> None:
    with pytest.raises(LatentError, match="made for another model"):
        delta_of(latent, W_PLUS, "f" * 64)
    with pytest.raises(LatentError, match="around another latent than ann") as caught:
        delta_of(latent, 2 * W_PLUS, toy.digest)
    assert "--tune" in caught.value.hint


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated(latent: Path, toy: Generator, keep: int) -> None:
    path = delta_path(latent)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LatentError, match="is damaged"):
        delta_of(latent, W_PLUS, toy.digest)


def test_not_a_delta(tmp_path: Path, toy: Generator) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "ann.delta.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(LatentError, match="but no delta"):
        read_delta(path)
    good = {"format": "i2s-trt delta", "version": "1"}
    for metadata, words in (
        ({**good, "version": "2"}, "another version"), (good, "damaged"), ({**good, "delta": "["}, "damaged"),
        ({**good, "delta": "{}"}, "damaged"),
    ):  # fmt: skip
        save_file({"a": np.zeros(3, np.int8)}, path, metadata)
        with pytest.raises(LatentError, match=words):
            read_delta(path)
    with pytest.raises(LatentError, match="cannot be read"):
        read_delta(tmp_path / "nothing.delta.safetensors")


def test_values_that_are_not_finite(latent: Path, toy: Generator) -> None:
    from safetensors.numpy import save_file

    whole = '{"model_digest": "", "latent_digest": "", "record": {}}'
    tensors: dict[str, Array] = {"a": np.ones((2, 3), np.int8), "a.scale": np.array([1, np.nan], np.float32)}
    save_file(tensors, delta_path(latent), {"format": "i2s-trt delta", "version": "1", "delta": whole})
    with pytest.raises(LatentError, match="not finite"):
        read_delta(delta_path(latent))


def test_a_changed_model_draws_otherwise_and_the_given_one_as_before(toy: Generator) -> None:
    w_plus = toy.mean_w_plus[None]
    with torch.no_grad():
        before = toy(w_plus)
        other = changed(toy, delta(toy))
        drawn, after = other(w_plus), toy(w_plus)
    assert torch.equal(before, after)
    assert not torch.equal(before, drawn)
    assert other.mapping is toy.mapping, "what does not change is shared"
    difference = other.state_dict()[NAME] - toy.state_dict()[NAME]
    torch.testing.assert_close(difference, torch.from_numpy(delta(toy).tensors[NAME]), rtol=1e-4, atol=1e-5)


def test_a_stylegan2s_demodulation_follows_its_weights() -> None:
    generator = Generator.from_weights(random_weights(stylegan2_spec(16, 8, 12), seed=0))
    other = changed(generator, delta(generator))
    synthesis = other.synthesis
    assert isinstance(synthesis, StyleGan2Synthesis)
    layer = synthesis.convolutions()[4]
    torch.testing.assert_close(layer.energy, layer.weight.square().sum(dim=(2, 3)))


@pytest.mark.parametrize("wrong", [{"synthesis__nothing": np.zeros(3, np.float32)}, {NAME: np.zeros(3, np.float32)}])
def test_tensors_that_are_none_of_the_model(toy: Generator, wrong: Mapping[str, Array]) -> None:
    with pytest.raises(LatentError, match="no tensor of this model"):
        changed(toy, delta(toy, **wrong))


def test_mixtures_lie_on_a_line(toy: Generator) -> None:
    one = delta(toy)
    bias = np.ones(3, np.float32)
    other = replace(one, tensors={NAME: 3 * one.tensors[NAME], "mean_w": bias})
    middle = mixed([(one, 0.5), (other, 0.5)])
    assert middle is not None
    np.testing.assert_allclose(middle.tensors[NAME], 2 * one.tensors[NAME], rtol=1e-6)
    np.testing.assert_allclose(middle.tensors["mean_w"], bias / 2)
    assert mixed([(one, 1.0), (other, 0.0)]) is one
    assert mixed([(None, 0.3), (None, 0.7)]) is None
    half = mixed([(one, 0.5), (None, 0.5)])
    assert half is not None
    np.testing.assert_allclose(half.tensors[NAME], one.tensors[NAME] / 2, rtol=1e-6)
