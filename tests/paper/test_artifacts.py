"""Droplets are found where they are, and only there."""

import numpy as np
import pytest
import torch

from benchmarks.paper.artifacts import neighbourhood, spot_of, strongest_spot
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.models.generator import Generator

GROUND: Pixels = np.abs(np.random.default_rng(0).normal(1.0, 0.2, (64, 64)))


def with_droplet(row: int, column: int, height: float = 30.0) -> Pixels:
    y, x = np.mgrid[0:64, 0:64]
    return np.asarray(GROUND + height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 4))


@pytest.mark.parametrize(("row", "column"), [(5, 50), (31, 31), (63, 0)])
def test_a_droplet_is_found(row: int, column: int) -> None:
    spot = spot_of(with_droplet(row, column))
    assert spot.is_artifact
    assert spot.row == pytest.approx((row + 0.5) / 64, abs=0.02)
    assert spot.column == pytest.approx((column + 0.5) / 64, abs=0.02)


def test_a_map_without_one_has_none() -> None:
    assert not spot_of(GROUND).is_artifact


def test_a_large_bright_region_is_none() -> None:
    bright = GROUND.copy()
    bright[:20, :20] += 30
    assert not spot_of(bright).is_artifact


def test_an_empty_map_is_no_trouble() -> None:
    assert not spot_of(np.zeros((8, 8))).is_artifact


def test_a_networks_own_maps_are_searched(toy: Generator) -> None:
    """Noise with one spike, in the layer that is searched, makes a droplet there."""
    layer = toy.synthesis.layers[toy.num_layers - 1]
    w_plus = toy.mean_w_plus.numpy().copy()
    before = strongest_spot(toy, w_plus)
    assert isinstance(layer.noise, torch.Tensor)
    kept = layer.noise.clone()
    try:
        layer.noise[0, 0, 3, 12] += 1e4
        after = strongest_spot(toy, w_plus)
    finally:
        layer.noise.copy_(kept)
    assert after.strength > 5 * before.strength
    assert (after.row, after.column) == (3.5 / 16, 12.5 / 16)


@pytest.mark.parametrize(("row", "column"), [(0.0, 0.0), (0.5, 0.5), (0.99, 0.99)])
def test_the_neighbourhood_lies_within_the_picture(row: float, column: float) -> None:
    spot = spot_of(with_droplet(int(row * 63), int(column * 63)))
    window = neighbourhood(np.zeros((64, 48, 3), np.uint8), spot)
    assert window.shape == (16, 12, 3)


@pytest.mark.parametrize("model", ["random-32-sg2", "random-128-sg2", "random-128"])
def test_both_architectures_are_searched(model: str) -> None:
    """A StyleGAN2 has a convolution less than rows, and it is the last of those up to 64 pixels that is looked at."""
    generator = load_generator(model)
    spot = strongest_spot(generator, generator.mean_w.repeat(generator.num_layers, 1).numpy())
    assert spot.strength >= 1
    assert 0 < spot.row < 1
    assert 0 < spot.column < 1
