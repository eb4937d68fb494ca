"""Whether a PNG holds as many pixels as its header promises: Pillow leaves rows black that were never sent."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SIGNATURE = 8  # bytes
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_WHOLE = ((0, 0, 1, 1),)
_PIECE = 1 << 20


def lacks_rows(path: Path) -> bool:
    """True if the compressed stream of a PNG ends before the last pixel; nothing but a counter is kept."""
    with Path(path).open("rb") as file:
        file.seek(_SIGNATURE)
        chunks = _chunks(file)
        _, header = next(chunks)
        missing = _expected(header)
        inflate = zlib.decompressobj()
        for kind, data in chunks:
            while kind == b"IDAT" and data and missing > 0 and not inflate.eof:
                missing -= len(inflate.decompress(data, _PIECE))
                data = inflate.unconsumed_tail  # noqa: PLW2901, what `decompress` has left
        while missing > 0 and (rest := inflate.decompress(inflate.unconsumed_tail, _PIECE)):
            missing -= len(rest)
    return missing > 0


def _expected(header: bytes) -> int:
    """Bytes of all filtered rows, from the contents of IHDR."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else _WHOLE:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * depth * _CHANNELS[colour] + 7) // 8)
    return total


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield kind, file.read(length)
        file.seek(4, 1)  # the checksum, which Pillow has verified
