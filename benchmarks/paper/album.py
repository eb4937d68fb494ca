"""The pictures and videos that a study leaves in its folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.paper.outcome import Media
from i2s_trt.arrays import Pixels
from i2s_trt.files import make_folder
from i2s_trt.images.compose import sheet, write_png
from i2s_trt.video.write import write_video

_CELL = 160  # pixels: large models are shown smaller
_RATE = 16


class Album:
    """Writes into one folder; made if need be."""

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder)

    def sheet(
        self,
        name: str,
        caption: str,
        rows: Sequence[Sequence[Pixels | None]],
        *,
        columns: Sequence[str] = (),
        labels: Sequence[str] = (),
    ) -> Media:
        """A labelled grid of pictures uint8 [H, W, 3] of one size as PNG."""
        height = next(picture for row in rows for picture in row if picture is not None).shape[0]
        grid = sheet(rows, column_labels=columns, row_labels=labels, cell_height=max(96, min(_CELL, height)))
        write_png(self.folder / f"{name}.png", grid)
        return Media(f"{name}.png", caption)

    def video(self, name: str, caption: str, pictures: Iterable[Pixels]) -> Media:
        """A video as MP4. Raises EnvironmentFault when PyAV cannot encode."""
        write_video(self.folder / f"{name}.mp4", pictures, _RATE)
        return Media(f"{name}.mp4", caption)
