"""How good embedded pictures are, by what was never minimised."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.metrics import detail, psnr, ssim
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.task import Embedded


@dataclass(frozen=True)
class Quality:
    """Means over the pictures; `detail` is a share of the pictures' own."""

    ssim: float
    psnr: float
    detail: float


def mean_quality(pictures: Sequence[Picture], items: Sequence[Embedded]) -> Quality:
    """Mean quality of embeddings beside their pictures, in the same order."""
    pairs = [(item.picture, p.pixels) for p, item in zip(pictures, items, strict=True)]
    return Quality(
        fmean(ssim(made, wanted) for made, wanted in pairs),
        fmean(psnr(made, wanted) for made, wanted in pairs),
        fmean(detail(made) / max(detail(wanted), 1e-6) for made, wanted in pairs),
    )
