"""What is measured on pictures, uint8 [H, W, 3], without any network."""

from collections.abc import Sequence

import cv2
import numpy as np

from i2s_trt.arrays import Array, Pixels

_LUMA = (0.299, 0.587, 0.114)
_BEST_PSNR = 99.0
_WINDOW, _BORDER = 11, 5
_FINE_SHARE = 1 / 64  # of the picture's width: structure below this is detail


def mean_square(first: Pixels, second: Pixels) -> float:
    """Mean squared difference, on the scale 0..255."""
    return float(np.mean(np.square(first.astype(np.float64) - second)))


def psnr(first: Pixels, second: Pixels) -> float:
    """Peak signal-to-noise ratio in dB; 99 for equal pictures."""
    error = mean_square(first, second)
    return _BEST_PSNR if error == 0 else min(_BEST_PSNR, float(10 * np.log10(255**2 / error)))


def explained(picture: Pixels, target: Pixels) -> float:
    """Share of the target's variance that a picture explains: 1 is perfect, 0 no better than a plain colour."""
    variance = float(np.mean(np.var(target.astype(np.float64), axis=(0, 1))))
    return 1 - mean_square(picture, target) / variance if variance else float(np.array_equal(picture, target))


def ssim(first: Pixels, second: Pixels) -> float:
    """Structural similarity of luminance (Wang et al. 2004; Gaussian window of 11, sigma 1.5) off the border."""
    a, b = luminance(first), luminance(second)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _window(a), _window(b)
    var_a, var_b = _window(a * a) - mean_a**2, _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity = top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(np.mean(similarity[_BORDER:-_BORDER, _BORDER:-_BORDER]))


def detail(picture: Pixels) -> float:
    """Root mean square of the structure finer than a 64th of the width, on the scale 0..255."""
    grey = luminance(picture)
    smooth = cv2.GaussianBlur(grey, (0, 0), max(0.8, picture.shape[1] * _FINE_SHARE))
    return float(np.sqrt(np.mean(np.square(grey - smooth))))


def contour_likeness(first: Pixels, second: Pixels) -> float:
    """Correlation of the edges' strength: how far two pictures share contours, whatever their colours."""
    return correlation(_edges(first), _edges(second))


def colour_distance(first: Pixels, second: Pixels) -> float:
    """Distance of mean and deviation of the colours (Lab), the statistics that colour transfer matches."""
    return float(np.linalg.norm(_colour_statistics(first) - _colour_statistics(second)))


def correlation(first: Pixels, second: Pixels) -> float:
    """Pearson's, of all values; 0 when one of the two is constant."""
    a, b = (values.astype(np.float64).ravel() for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / size) if size else 0.0


def own_target_nearest(pictures: Sequence[Pixels], targets: Sequence[Pixels]) -> float:
    """Share of pictures that lie nearer to their own target than to any other."""
    errors = np.array([[mean_square(picture, target) for target in targets] for picture in pictures])
    return float(np.mean(errors.argmin(axis=1) == np.arange(len(targets))))


def luminance(picture: Pixels) -> Array:
    """float32 [H, W] on the scale 0..255."""
    return picture.astype(np.float32) @ np.array(_LUMA, np.float32)


def _window(values: Array) -> Array:
    return cv2.GaussianBlur(values, (_WINDOW, _WINDOW), 1.5)


def _edges(picture: Pixels) -> Array:
    grey = cv2.GaussianBlur(luminance(picture), (0, 0), max(0.8, picture.shape[1] * _FINE_SHARE))
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.hypot(across, down)


def _colour_statistics(picture: Pixels) -> Array:
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    return np.concatenate([lab.mean(axis=0), lab.std(axis=0)])
