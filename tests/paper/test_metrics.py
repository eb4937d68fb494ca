"""The metrics against their definitions, and scikit-image where it has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks import metrics
from benchmarks.paper.pictures.paintings import draw_painting
from i2s_trt.arrays import Pixels

PICTURES = arrays(np.uint8, (24, 24, 3))
PAINTING = draw_painting(1, 64)


def noisy(picture: Pixels, strength: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, strength, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@given(PICTURES, PICTURES)
def test_psnr_is_that_of_scikit_image(first: Pixels, second: Pixels) -> None:
    if not np.array_equal(first, second):
        expected = peak_signal_noise_ratio(first, second, data_range=255)  # type: ignore[no-untyped-call]
        assert metrics.psnr(first, second) == pytest.approx(min(expected, 99.0))


@pytest.mark.parametrize("strength", [2.0, 10.0, 40.0])
def test_ssim_is_that_of_scikit_image(strength: float) -> None:
    other = noisy(PAINTING, strength)
    grey = [metrics.luminance(picture) for picture in (PAINTING, other)]
    expected = structural_similarity(  # type: ignore[no-untyped-call]
        *grey, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )  # fmt: skip
    assert metrics.ssim(PAINTING, other) == pytest.approx(expected, abs=2e-3)


@given(PICTURES)
def test_a_picture_equals_itself(picture: Pixels) -> None:
    assert metrics.psnr(picture, picture) == 99.0
    assert metrics.ssim(picture, picture) == pytest.approx(1.0)
    assert metrics.explained(picture, picture) == 1.0
    assert metrics.colour_distance(picture, picture) == 0.0


def test_the_mean_colour_explains_nothing() -> None:
    plain = np.broadcast_to(PAINTING.mean(axis=(0, 1)), PAINTING.shape)
    assert metrics.explained(plain, PAINTING) == pytest.approx(0.0, abs=1e-9)


def test_more_noise_is_worse_by_every_metric() -> None:
    less, more = noisy(PAINTING, 5), noisy(PAINTING, 50)
    for metric in (metrics.psnr, metrics.ssim, metrics.explained, metrics.contour_likeness):
        assert metric(less, PAINTING) > metric(more, PAINTING)


def test_blur_takes_detail() -> None:
    import cv2

    assert metrics.detail(cv2.GaussianBlur(PAINTING, (0, 0), 2)) < 0.5 * metrics.detail(PAINTING)
    assert metrics.detail(np.full((32, 32, 3), 7, np.uint8)) == pytest.approx(0.0, abs=1e-4)


def test_contours_care_for_shapes_and_not_for_colours() -> None:
    assert metrics.contour_likeness(255 - PAINTING, PAINTING) > 0.99
    assert metrics.contour_likeness(np.ascontiguousarray(PAINTING[::-1]), PAINTING) < 0.5


def test_colours_care_for_colours_and_not_for_shapes() -> None:
    turned = np.ascontiguousarray(PAINTING[::-1, ::-1])
    assert metrics.colour_distance(turned, PAINTING) == pytest.approx(0.0, abs=1e-9)
    assert metrics.colour_distance(255 - PAINTING, PAINTING) > 20


@given(st.permutations(range(5)))
def test_own_target_nearest_counts_the_fixed_points(order: list[int]) -> None:
    targets = [np.full((4, 4, 3), 50 * i, np.uint8) for i in range(5)]
    share = metrics.own_target_nearest([targets[i] for i in order], targets)
    assert share == pytest.approx(np.mean([i == j for i, j in enumerate(order)]))


def test_correlation_of_a_constant_is_none() -> None:
    assert metrics.correlation(np.ones(4), np.arange(4.0)) == 0.0
    assert metrics.correlation(np.arange(4.0), -np.arange(4.0)) == pytest.approx(-1.0)
