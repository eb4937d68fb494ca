"""The files that an embedding leaves in the output folder."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import count
from pathlib import Path

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import delta_path, save_delta
from i2s_trt.embedding.embed import Embedding
from i2s_trt.embedding.tune import Tuned
from i2s_trt.files import guard_os_errors, write_bytes
from i2s_trt.images.compose import strip, write_png
from i2s_trt.latents import Latent, save_latent
from i2s_trt.photographs.prepare import Source


@dataclass(frozen=True)
class Outputs:
    """The files of one picture in the output folder."""

    folder: Path
    name: str

    @property
    def latent(self) -> Path:
        """Written last: it makes the others valid."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def picture(self) -> Path:
        """The embedded image G(w*)."""
        return self.folder / f"{self.name}.png"

    @property
    def strip(self) -> Path:
        """Target and embedded image side by side."""
        return self.folder / f"{self.name}-strip.png"

    @property
    def curve(self) -> Path:
        """The losses of each step; the picture of it ends in .png."""
        return self.folder / f"{self.name}-curve.csv"

    @property
    def snapshot(self) -> Path:
        """Only there while the picture is unfinished."""
        return self.folder / f".{self.name}.snapshot"

    def write(self, embedding: Embedding) -> None:
        """Write everything. Raises EnvironmentFault for a full disk."""
        latent = embedding.latent
        write_png(self.picture, embedding.picture)
        write_png(self.strip, strip([embedding.target, embedding.picture]))
        write_curve_csv(self.curve, latent)
        write_curve_picture(self.curve.with_suffix(".png"), latent, self.name)
        save_latent(self.latent, latent)

    def write_tuned(self, tuned: Tuned, target: Pixels) -> None:
        """Write the delta, last, and the pictures that it draws instead of the latent's own."""
        write_png(self.picture, tuned.picture)
        write_png(self.strip, strip([target, tuned.picture]))
        save_delta(delta_path(self.latent), tuned.delta)

    def forget_snapshot(self) -> None:
        """Remove the snapshot, if there is one. Raises EnvironmentFault where that is not possible."""
        with guard_os_errors(self.snapshot):
            self.snapshot.unlink(missing_ok=True)


def unique_names(sources: Sequence[Path] | Sequence[Source]) -> list[str]:
    """A result name for each picture: its stem, with a number where files of two pictures would collide."""
    names: list[str] = []
    taken: set[str] = set()
    for path in sources:
        candidates = (path.stem if i == 1 else f"{path.stem}-{i}" for i in count(1))
        name = next(name for name in candidates if taken.isdisjoint(_stems(name)))
        taken |= _stems(name)
        names.append(name)
    return names


def _stems(name: str) -> set[str]:
    """The stems of all files that a result of this name brings."""
    return {name, f"{name}-strip", f"{name}-curve"}


def write_curve_csv(path: Path, latent: Latent) -> None:
    """The loss curve: one row a step: the step's number and every loss term before it."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *latent.curve_terms])
    writer.writerows([step, *(f"{value:.7g}" for value in row)] for step, row in enumerate(latent.curve.tolist()))
    write_bytes(path, text.getvalue().encode())


def write_curve_picture(path: Path, latent: Latent, title: str) -> None:
    """The loss curve (the paper's Figure 10): all terms against the steps, on a logarithmic scale, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for column, term in enumerate(latent.curve_terms):
        axes.plot(latent.curve[:, column], label=term, linewidth=2 if term == "total" else 1)
    axes.set_yscale("log" if len(latent.curve) and latent.curve.min() > 0 else "linear")
    axes.set(xlabel="step", ylabel="loss (Eq. 1 and its unweighted terms)")
    readable = title.encode("utf-8", "replace").decode()  # a file's name may hold bytes that are no text
    axes.set_title(readable, parse_math=False)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_bytes(path, buffer.getvalue())
