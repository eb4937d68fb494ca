"""Pictures to files."""

import cv2
import numpy as np
import pytest

from i2s_trt.errors import UsageError
from i2s_trt.images.encode import encoder

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
SMOOTH = cv2.GaussianBlur(cv2.resize(PICTURE, (160, 96)), (0, 0), 8)


def decoded(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    bgr = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return bgr[..., ::-1]


@pytest.mark.parametrize(("name", "quality", "start"), [("png", 1, b"\x89PNG"), ("webp", 100, b"RIFF")])
def test_lossless_formats_keep_every_pixel(name: str, quality: int, start: bytes) -> None:
    data = encoder(name, quality)(PICTURE)
    assert data.startswith(start)
    np.testing.assert_array_equal(decoded(data), PICTURE)


@pytest.mark.parametrize(("name", "start"), [("jpeg", b"\xff\xd8"), ("webp", b"RIFF")])
def test_quality_costs_bytes_and_buys_likeness(name: str, start: bytes) -> None:
    fine, coarse = encoder(name, 95)(SMOOTH), encoder(name, 10)(SMOOTH)
    assert fine.startswith(start)
    assert len(coarse) < len(fine) < SMOOTH.size / 4
    errors = [np.abs(decoded(data).astype(int) - SMOOTH).mean() for data in (fine, coarse)]
    assert errors[0] < 2 < errors[1] + 1.5
    assert errors[0] < errors[1]


def test_the_same_picture_gives_the_same_bytes() -> None:
    for name in ("png", "jpeg", "webp"):
        assert encoder(name)(SMOOTH) == encoder(name)(SMOOTH.copy())


@pytest.mark.parametrize(("name", "quality"), [("tiff", 90), ("PNG", 90), ("jpeg", 0), ("webp", 101)])
def test_other_formats_and_qualities_are_refused(name: str, quality: int) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        encoder(name, quality)
