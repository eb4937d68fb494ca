"""Directions from files, of the kinds that circulate."""

from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.edit.direction import Direction, read_direction, save_direction
from i2s_trt.edit.operations import move
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent, save_latent

SPACE = LatentSpace(18, 512, "a" * 64)


def test_an_interfacegan_boundary_is_repeated_for_every_layer(tmp_path: Path) -> None:
    boundary = np.random.default_rng(0).normal(size=(1, 512))
    boundary /= np.linalg.norm(boundary)
    np.save(tmp_path / "smile.npy", boundary)
    direction = read_direction(tmp_path / "smile.npy")
    assert direction.norm == pytest.approx(1)
    assert direction.describe() == "smile.npy [1, 512], norm 1.000"
    vector = direction.for_space(SPACE)
    assert vector.shape == (18, 512)
    np.testing.assert_allclose(vector, np.repeat(boundary, 18, axis=0), rtol=1e-6)


def test_a_stylegan_encoder_direction_keeps_its_rows(tmp_path: Path) -> None:
    rows = np.repeat(np.random.default_rng(1).normal(size=(1, 512)), 18, axis=0)
    rows *= 3.998 / np.linalg.norm(rows)
    np.save(tmp_path / "age.npy", rows)
    direction = read_direction(tmp_path / "age.npy")
    assert direction.describe() == "age.npy [18, 512], norm 3.998"
    np.testing.assert_allclose(direction.for_space(SPACE), rows, rtol=1e-6)
    np.testing.assert_allclose(move(np.zeros((18, 512)), direction.vector, -2.0), -2 * rows, rtol=1e-6)


@pytest.mark.parametrize("shape", [(512,), (1, 18, 512), (18, 512)])
def test_plain_arrays_and_tensors_of_any_form(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.ones(shape, np.float32)
    np.save(tmp_path / "d.npy", values)
    np.savez(tmp_path / "d.npz", w=values)
    torch.save(torch.from_numpy(values), tmp_path / "d.pt")
    for name in ("d.npy", "d.npz", "d.pt"):
        assert read_direction(tmp_path / name).for_space(SPACE).sum() == 18 * 512


def test_a_direction_that_was_saved_is_read_back(tmp_path: Path) -> None:
    vector = np.random.default_rng(2).normal(size=(18, 512)).astype(np.float32)
    save_direction(tmp_path / "d.npy", vector)
    np.testing.assert_array_equal(read_direction(tmp_path / "d.npy").vector, vector)


def test_a_latent_file_can_be_a_direction_of_its_model_only(tmp_path: Path) -> None:
    save_latent(tmp_path / "d.safetensors", Latent(np.ones((18, 512), np.float32), model_digest="b" * 64))
    direction = read_direction(tmp_path / "d.safetensors")
    with pytest.raises(LatentError, match="another model"):
        direction.for_space(SPACE)
    assert direction.for_space(SPACE, any_model=True).shape == (18, 512)


def test_what_is_no_direction_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "zeros.npy", np.zeros((18, 512), np.float32))
    np.save(tmp_path / "tiny.npy", np.full((18, 512), 1e-33, np.float32))
    np.save(tmp_path / "several.npy", np.ones((3, 18, 512), np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "nan.npy", np.full((1, 512), np.nan))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "zeros.npy").read_bytes()[:900])
    for name, words in {
        "zeros.npy": "no direction", "tiny.npy": "no direction", "several.npy": "3 vectors",
        "objects.npy": "pickled", "nan.npy": "not finite", "cut.npy": "damaged",
        "none.npy": "cannot be read", "d.txt": "not a latent file",
    }.items():  # fmt: skip
        with pytest.raises(LatentError, match=words):
            read_direction(tmp_path / name)
    with pytest.raises(LatentError, match=r"shape \[1, 384\]"):
        Direction(np.ones((1, 384), np.float32)).for_space(SPACE)
