"""Pictures made of pictures: before/after strips and labelled sheets, and their encoding."""

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import UsageError
from i2s_trt.files import write_bytes

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SUFFIXES = (".png", ".jpg", ".jpeg")  # of `write_picture`
_GAP = 4  # pixels between cells
_CUT = "\N{HORIZONTAL ELLIPSIS}"
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


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
        column_labels, row_labels: drawn when given; those of columns are cut short where they are wider, those of rows
            may have several lines.
        cell_height: height that cells are scaled to; 0 keeps the pictures' own.

    Returns:
        uint8 [H', W', 3].
    """
    from PIL import Image, ImageDraw

    height, width = _cell(rows, cell_height)
    font = _font(height)
    line = round(font.size * 1.6)
    lines = [text for label in row_labels for text in label.splitlines()]
    left = max((round(font.getlength(text)) for text in lines), default=-2 * _GAP) + 2 * _GAP
    top = line if column_labels else 0
    columns = max(len(row) for row in rows)
    size = (left + columns * (width + _GAP) - _GAP, top + len(rows) * (height + _GAP) - _GAP)
    canvas = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, label in enumerate(column_labels):
        place = (left + column * (width + _GAP) + width / 2, top / 2)
        draw.text(place, _shorten(label, font, width), _INK, font, anchor="mm")
    for r, row in enumerate(rows):
        y = top + r * (height + _GAP)
        if r < len(row_labels):
            draw.text((left - _GAP, y + height / 2), row_labels[r], _INK, font, anchor="rm", align="right")
        for c, picture in enumerate(row):
            if picture is not None:
                scaled = Image.fromarray(picture).resize((width, height), _filter(height, picture.shape[0]))
                canvas.paste(scaled, (left + c * (width + _GAP), y))
    return np.array(canvas)


def contact_sheet(
    pictures: Sequence[Pixels], labels: Sequence[str] = (), *, columns: int = 0, cell_height: int = 0
) -> Pixels:
    """Pictures in rows, each with its label above it.

    Args:
        pictures: uint8 [H, W, 3], at least one, all of one size.
        labels: one for each picture, or none; those wider than a picture are cut short.
        columns: pictures in a row; 0 chooses so that the sheet is about square.
        cell_height: as for `sheet`.

    Returns:
        uint8 [H', W', 3].
    """
    wide = columns or math.ceil(math.sqrt(len(pictures)))
    bands = [
        sheet([pictures[start : start + wide]], column_labels=labels[start : start + wide], cell_height=cell_height)
        for start in range(0, len(pictures), wide)
    ]
    width = max(band.shape[1] for band in bands)
    padded = [np.pad(band, ((0, _GAP), (0, width - band.shape[1]), (0, 0)), constant_values=255) for band in bands]
    return np.concatenate(padded)[:-_GAP]


def write_picture(path: Path, pixels: Pixels) -> None:
    """Write uint8 [H, W, 3] as `.png` or `.jpg`, by the name.

    Raises:
        UsageError: the name ends otherwise.
        EnvironmentFault: as `files.atomic_write`.
    """
    from PIL import Image

    if path.suffix.lower() == ".png":
        write_png(path, pixels)
    elif path.suffix.lower() in SUFFIXES:
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
        write_bytes(path, buffer.getvalue())
    else:
        raise UsageError(f"{path} is not a kind of picture that can be written", f"end it in {' or '.join(SUFFIXES)}")


def write_png(path: Path, pixels: Pixels) -> None:
    """Write uint8 [H, W, 3] as PNG, atomically. Raises EnvironmentFault as `files.atomic_write` does."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=4)
    write_bytes(path, buffer.getvalue())


def _cell(rows: Sequence[Sequence[Pixels | None]], height: int) -> tuple[int, int]:
    """Height and width of the cells."""
    first = next(picture for row in rows for picture in row if picture is not None)
    height = height or first.shape[0]
    return height, round(first.shape[1] * height / first.shape[0])


def _font(height: int) -> "FreeTypeFont":
    """The font that suits cells of a height."""
    from PIL import ImageFont

    font: FreeTypeFont = ImageFont.load_default(max(11, height // 9))  # type: ignore[assignment]  # FreeType by its size
    return font


def _shorten(label: str, font: "FreeTypeFont", width: int) -> str:
    """The label, or as much of it as fits."""
    if font.getlength(label) <= width:
        return label
    size = next((size for size in range(len(label), 0, -1) if font.getlength(label[:size] + _CUT) <= width), 0)
    return label[:size] + _CUT


def _filter(height: int, original: int) -> Any:
    from PIL import Image

    return Image.Resampling.BICUBIC if height > original else Image.Resampling.LANCZOS
