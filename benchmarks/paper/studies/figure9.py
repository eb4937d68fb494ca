"""Figures 9 and 22: the terms of the loss."""

from collections.abc import Mapping
from typing import Any

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.quality import Quality, mean_quality
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check

PIXEL, SINGLE, PIXEL_SINGLE = "pixels only", "conv3_2 only", "pixels and conv3_2"
PERCEPTUAL, FULL = "perceptual only", "pixels and perceptual (Eq. 1)"
VARIANTS: dict[str, dict[str, Any]] = {
    PIXEL: {"layer_weights": {}},
    SINGLE: {"pixel_weight": 0.0, "layer_weights": {"conv3_2": 1.0}},
    PIXEL_SINGLE: {"layer_weights": {"conv3_2": 1.0}},
    PERCEPTUAL: {"pixel_weight": 0.0},
    FULL: {},
}


def checks(variants: Mapping[str, Quality]) -> tuple[Check, ...]:
    """Whether several layers beat one, the combination beats all, and pixels alone smooth."""
    full = variants[FULL]
    return (
        *(Check(f"SSIM of Eq. 1 against {name}", full.ssim, ">", quality.ssim)
          for name, quality in variants.items() if name != FULL),
        Check("SSIM of the perceptual loss", variants[PERCEPTUAL].ssim, ">", variants[SINGLE].ssim, "of conv3_2 alone"),
        Check("detail that pixels alone keep", variants[PIXEL].detail, "<", full.detail, "of Eq. 1"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """The first picture of each class, variant by variant."""
    return [
        lab.objective_task(picture.pixels, **changes)
        for changes in VARIANTS.values()
        for picture in lab.collection.firsts()
    ]


def measure(lab: Lab, album: Album) -> Findings:
    """Qualities that no variant minimises itself."""
    pictures = lab.collection.firsts()
    embedded, count = lab.embed(tasks(lab)), len(pictures)
    columns = {name: embedded[i * count : (i + 1) * count] for i, name in enumerate(VARIANTS)}
    variants = {name: mean_quality(lab.collection.firsts(), items) for name, items in columns.items()}
    table = Table(
        "Means over the pictures",
        ("", "SSIM", "PSNR (dB)", "detail kept"),
        tuple((name, q.ssim, q.psnr, q.detail) for name, q in variants.items()),
    )
    rows = [[p.pixels, *(columns[name][i].picture for name in VARIANTS)] for i, p in enumerate(pictures)]
    heads = ("picture", "pixels", "conv3_2", "both", "perceptual", "Eq. 1")
    media = album.sheet("losses", "The terms of the loss", rows, columns=heads)
    return Findings(checks(variants), (table,), media=(media,), notes=(f"Features: {lab.vgg.source.name}.",))


STUDY = Study(
    "figure9",
    "The terms of the loss",
    ("Figure 9", "Figure 22"),
    "Features of several layers work better than of one, and pixel error with perceptual loss best of all; pixel error "
    "alone smooths.",
    tasks,
    measure,
)
