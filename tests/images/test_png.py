"""PNG files that every reader understands."""

import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from PIL import Image

from i2s_trt.arrays import Pixels
from i2s_trt.images.png import encode_png

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))


def by_opencv(data: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))[..., ::-1]


def by_pillow(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGB"
        return np.asarray(picture)


def chunks(data: bytes) -> list[str]:
    """Names of the chunks; Pillow and libpng check their sums."""
    names, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        names.append(data[at + 4 : at + 8].decode())
        at += 12 + length
    assert at == len(data)
    return names


@given(arrays(np.uint8, SHAPES))
def test_two_readers_find_the_pixels_that_were_written(pixels: Pixels) -> None:
    data = encode_png(pixels)
    assert_array_equal(by_opencv(data), pixels)
    assert_array_equal(by_pillow(data), pixels)


def test_a_file_is_its_header_the_pixels_and_the_end() -> None:
    assert chunks(encode_png(np.zeros((3, 5, 3), np.uint8))) == ["IHDR", "IDAT", "IEND"]


def test_a_checksum_that_does_not_fit_is_noticed() -> None:
    data = bytearray(encode_png(np.full((4, 4, 3), 7, np.uint8)))
    data[-20] ^= 1  # in the pixels' checksum or their last bytes
    with pytest.raises((OSError, SyntaxError)), Image.open(io.BytesIO(bytes(data))) as picture:
        picture.load()


@pytest.mark.parametrize(
    "view", [lambda p: p[:, ::-1], lambda p: p[::2, ::3], lambda p: p.transpose(1, 0, 2), lambda p: p[..., ::-1]]
)
def test_pictures_may_lie_in_memory_in_any_order(view: Callable[[Pixels], Pixels]) -> None:
    pixels = view(np.random.default_rng(1).integers(0, 256, (30, 24, 3), np.uint8))
    assert_array_equal(by_pillow(encode_png(pixels)), pixels)


def test_smooth_pictures_become_small_files() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (128, 128, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 8)
    assert len(encode_png(smooth)) < smooth.size / 3
    assert len(encode_png(noise)) < noise.size * 1.01 + 200


def test_large_pictures_fit() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (1024, 1024, 3), np.uint8)
    assert_array_equal(by_opencv(encode_png(pixels)), pixels)


def test_threads_share_it() -> None:
    pictures = [np.full((64, 64, 3), value, np.uint8) for value in range(32)]
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(encode_png, pictures))
    for pixels, data in zip(pictures, files, strict=True):
        assert_array_equal(by_pillow(data), pixels)
