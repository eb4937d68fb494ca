"""Photographs become targets and network images become pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.images.fit import fit_picture, picture_digest, to_pixels, to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import standard_spec

SQUARE = standard_spec(64)
CARS = replace(standard_spec(512), crop=(64, 448))


def test_crop_takes_the_middle() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 255
    found = fit_picture(picture, SQUARE)
    assert found.shape == (64, 64, 3)
    assert (found[:, 1:-1] >= 250).all()


def test_pad_keeps_all_between_black_bars() -> None:
    found = fit_picture(np.full((100, 200, 3), 200, np.uint8), SQUARE, "pad")
    assert (found[16:48] == 200).all()
    assert (found[:16] == 0).all()
    assert (found[48:] == 0).all()


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("size", [(512, 512), (1, 1), (3, 900), (900, 3)])
def test_landscape_models_get_their_proportions(fit: str, size: tuple[int, int]) -> None:
    assert fit_picture(np.zeros((*size, 3), np.uint8), CARS, fit).shape == (384, 512, 3)  # type: ignore[arg-type]


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(fit_picture(picture, SQUARE), picture)


def test_a_fine_checkerboard_becomes_flat_grey() -> None:
    board = np.indices((640, 640)).sum(axis=0) % 2 * 255
    found = fit_picture(np.repeat(board[..., None], 3, axis=2).astype(np.uint8), SQUARE)
    assert np.abs(found.astype(int) - 127).max() <= 3


def test_pixels_survive_the_way_to_the_network_and_back() -> None:
    picture = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    there = to_target(picture)
    assert there.shape == (3, 16, 16)
    assert [float(there.min()), float(there.max())] == [-1, 1]
    assert np.abs(to_pixels(there.unsqueeze(0))[0].astype(int) - picture).max() <= 1


@given(st.floats(-3, 3, width=32))
def test_to_pixels_is_the_originals_conversion(value: float) -> None:
    found = to_pixels(torch.full((1, 3, 1, 1), value))
    scaled = np.float32(value) * np.float32(127.5) + np.float32(128)
    assert found.tolist() == [[[[int(np.clip(scaled, 0, 255))] * 3]]]


def test_the_digest_sees_shape_and_pixels() -> None:
    flat, tall = np.zeros((2, 8, 3), np.uint8), np.zeros((8, 2, 3), np.uint8)
    assert len({picture_digest(flat), picture_digest(tall), picture_digest(flat + 1)}) == 3


def test_a_landscape_generator_renders_what_is_fitted(toy: Generator) -> None:
    spec = replace(toy.spec, crop=(2, 14))
    assert spec.picture_size == (12, 16)
    assert fit_picture(np.zeros((99, 99, 3), np.uint8), spec).shape == (12, 16, 3)
