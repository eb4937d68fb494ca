"""The loss curve of an embedding, as CSV and as a picture (the paper's Figure 10)."""

import csv
from io import BytesIO, StringIO
from pathlib import Path

from i2s_trt.files import write_bytes
from i2s_trt.latents import Latent


def write_curve_csv(path: Path, latent: Latent) -> None:
    """One row a step: the step's number and every loss term before it."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *latent.curve_terms])
    writer.writerows([step, *(f"{value:.7g}" for value in row)] for step, row in enumerate(latent.curve.tolist()))
    write_bytes(path, text.getvalue().encode())


def write_curve_picture(path: Path, latent: Latent, title: str) -> None:
    """All terms against the steps, on a logarithmic scale, as PNG."""
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
