"""A batch's outputs on one labelled sheet: a row for each latent, a column for each variant."""

from collections.abc import Sequence
from pathlib import Path

from i2s_trt.arrays import Pixels
from i2s_trt.batch.jobs import BatchLatent
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.errors import ImageError
from i2s_trt.images.compose import sheet
from i2s_trt.images.decode import decode
from i2s_trt.images.encode import SUFFIXES

MOST_ROWS, MOST_COLUMNS = 12, 12


def batch_sheet(
    folder: Path, latents: Sequence[BatchLatent], variants: Sequence[Variant], picture_format: str = "png"
) -> Pixels:
    """The first outputs of a batch, 12 x 12 at most; those that are missing stay white.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ImageError: none of them is there.
    """
    rows, columns = latents[:MOST_ROWS], variants[:MOST_COLUMNS]
    suffix = SUFFIXES[picture_format]
    cells = [[_read(folder / f"{row.name}-{column.name}{suffix}") for column in columns] for row in rows]
    if all(cell is None for line in cells for cell in line):
        raise ImageError(f"none of the outputs for the sheet is in {folder}", "run the batch again with --resume")
    return sheet(cells, column_labels=[column.label for column in columns], row_labels=[row.name for row in rows])


def _read(path: Path) -> Pixels | None:
    try:
        return decode(path)
    except ImageError:
        return None
