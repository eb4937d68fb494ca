"""Pictures made of pictures: before/after strips and labelled sheets, and their encoding."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.files import write_bytes

_GAP = 4  # pixels between cells
_INK, _PAPER = (40, 40, 40), (255, 255, 255)
Pixels = np.ndarray[Any, Any]


def strip(pictures: Sequence[Pixels]) -> Pixels:
    """uint8 pictures [H, W, 3] of one size side by side with a white gap."""
    return sheet([pictures])


def sheet(
    rows: Sequence[Sequence[Pixels | None]],
    *,
    column_labels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    cell_height: int = 0,
) -> Pixels:
    """A grid of pictures with labels above the columns and left of the rows.

    Args:
        rows: uint8 [H, W, 3] each, all of one size; None leaves a cell empty.
        column_labels, row_labels: drawn when given.
        cell_height: height that cells are scaled to; 0 keeps the pictures' own.

    Returns:
        uint8 [H', W', 3].
    """
    from PIL import Image, ImageDraw, ImageFont

    first = next(picture for row in rows for picture in row if picture is not None)
    height = cell_height or first.shape[0]
    width = round(first.shape[1] * height / first.shape[0])
    font_size = max(11, height // 9)
    font = ImageFont.load_default(font_size)
    line = round(font_size * 1.6)
    left = max((round(font.getlength(label)) for label in row_labels), default=-2 * _GAP) + 2 * _GAP
    top = line if column_labels else 0
    columns = max(len(row) for row in rows)
    size = (left + columns * (width + _GAP) - _GAP, top + len(rows) * (height + _GAP) - _GAP)
    canvas = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, label in enumerate(column_labels):
        draw.text((left + column * (width + _GAP) + width / 2, top / 2), label, _INK, font, anchor="mm")
    for r, row in enumerate(rows):
        y = top + r * (height + _GAP)
        if r < len(row_labels):
            draw.text((left - _GAP, y + height / 2), row_labels[r], _INK, font, anchor="rm")
        for c, picture in enumerate(row):
            if picture is not None:
                scaled = Image.fromarray(picture).resize((width, height), _filter(height, picture.shape[0]))
                canvas.paste(scaled, (left + c * (width + _GAP), y))
    return np.array(canvas)


def write_png(path: Path, pixels: Pixels) -> None:
    """Write uint8 [H, W, 3] as PNG, atomically. Raises EnvironmentFault as `files.atomic_write` does."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=4)
    write_bytes(path, buffer.getvalue())


def _filter(height: int, original: int) -> Any:
    from PIL import Image

    return Image.Resampling.BICUBIC if height > original else Image.Resampling.LANCZOS
