"""8-bit pictures to the bytes of a file, fast and without holding Python's lock."""

from collections.abc import Callable
from typing import Literal

from i2s_trt.arrays import Pixels
from i2s_trt.errors import UsageError
from i2s_trt.images.png import encode_png

Format = Literal["png", "jpeg", "webp"]
SUFFIXES: dict[str, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
LOSSLESS = 101  # OpenCV's word for it in WebP


def encoder(format_name: str, quality: int = 92) -> Callable[[Pixels], bytes]:
    """A function from uint8 RGB [H, W, 3] to a file's bytes; threads may share it.

    Args:
        format_name: `png` (compressed at the fast level), `jpeg` or `webp`.
        quality: 1 to 100, for JPEG and WebP; 100 is lossless in WebP.

    Raises:
        UsageError: no such format or quality.
    """
    import cv2

    if format_name not in SUFFIXES or not 1 <= quality <= 100:
        raise UsageError(f"pictures cannot be written as {format_name} of quality {quality}",
                         f"formats are {', '.join(SUFFIXES)}, the quality goes from 1 to 100")  # fmt: skip
    if format_name == "png":
        return encode_png
    settings = {
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, LOSSLESS if quality == 100 else quality],
    }[format_name]

    def encode(pixels: Pixels) -> bytes:
        done, data = cv2.imencode(SUFFIXES[format_name], cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)
        if not done:
            raise UsageError(f"a picture of shape {list(pixels.shape)} cannot be written as {format_name}")
        return data.tobytes()

    return encode
