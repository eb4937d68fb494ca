"""PNG files as fast as a pipeline wants them: one filter for all rows, and a fast compressor."""

import struct

import numpy as np
from isal import isal_zlib

from i2s_trt.arrays import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR, _UP = 2, 2
_FAST = 1


def encode_png(pixels: Pixels) -> bytes:
    """A PNG file (ISO/IEC 15948), lossless.

    Every row is stored as its difference to the row above. ISA-L compresses as well as zlib at its fastest, in a
    quarter of the time; threads do it at the same time.

    Args:
        pixels: uint8 RGB [H, W, 3].
    """
    height, width, _ = pixels.shape
    values = pixels.reshape(height, -1)
    rows = np.empty((height, 1 + values.shape[1]), np.uint8)
    rows[:, 0], rows[0, 1:] = _UP, values[0]
    np.subtract(values[1:], values[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, _TRUE_COLOUR, 0, 0, 0)
    data = isal_zlib.compress(rows, _FAST)
    return b"".join([_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", data), *_chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
