"""Figures 1 and 17: pictures of five classes and their embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.metrics import explained, own_target_nearest, psnr, ssim
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import PAPER_UNIT, TABLE_2
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import FACES, Picture
from benchmarks.paper.studies.common import by_class, chance_checks
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded
from benchmarks.paper.verdict import Check

_RECOGNISABLE = 0.5  # of a picture's variance, as the mean of a class


@dataclass(frozen=True)
class ClassQuality:
    """Means of one class."""

    loss: float
    psnr: float
    ssim: float
    explained: float
    distance: float


def checks(classes: Mapping[str, ClassQuality], own_nearest: float) -> tuple[Check, ...]:
    """Whether every class can be embedded, and faces best."""
    others = {label: quality for label, quality in classes.items() if label != FACES}
    best = min(others, key=lambda label: others[label].loss)
    return (
        Check("share of embeddings that lie nearer to their own picture than to any other", own_nearest, ">", 0.99),
        *(
            Check(f"{label}: share of the variance that the embeddings explain", q.explained, ">", _RECOGNISABLE)
            for label, q in classes.items()
        ),
        Check("loss of faces", classes[FACES].loss, "<", others[best].loss, f"that of {best}"),
    )  # fmt: skip


def measure(lab: Lab, album: Album) -> Findings:
    """Embeds everything."""
    lab.classes_beside_faces()
    pictures = lab.collection.pictures
    embedded = lab.embed(lab.standard())
    own = own_target_nearest([item.picture for item in embedded], [picture.pixels for picture in pictures])
    pairs = list(zip(pictures, embedded, strict=True))
    classes = {
        label: _quality(lab, [pair for pair in pairs if pair[0].label == label]) for label in lab.collection.labels
    }
    grouped = by_class(pictures, embedded)
    rows = []
    for label in lab.collection.labels:
        rows.append([picture.pixels for picture in lab.collection.of(label)])
        rows.append([item.picture for item in grouped[label]])
    labels = [text for label in lab.collection.labels for text in (label, "embedded")]
    media = album.sheet("embeddings", "Each class above its embeddings", rows, labels=labels)
    losses, members = [item.loss for item in embedded], [picture.label == FACES for picture in pictures]
    found = (*checks(classes, own), *chance_checks("a mean loss", losses, members))
    return Findings(found, (_table(classes),), media=(media,))


def _quality(lab: Lab, pairs: Sequence[tuple[Picture, Embedded]]) -> ClassQuality:
    return ClassQuality(
        fmean(item.loss for _, item in pairs),
        fmean(psnr(item.picture, picture.pixels) for picture, item in pairs),
        fmean(ssim(item.picture, picture.pixels) for picture, item in pairs),
        fmean(explained(item.picture, picture.pixels) for picture, item in pairs),
        fmean(lab.relative(item) for _, item in pairs),
    )


def _table(classes: Mapping[str, ClassQuality]) -> Table:
    heads = ("", "paper: loss (10⁵)", "loss (10⁵)", "PSNR (dB)", "SSIM", "explained", "distance, model's samples = 1")
    rows = tuple(
        (label, TABLE_2[label]["mean"].loss if label in TABLE_2 else None, q.loss / PAPER_UNIT, q.psnr, q.ssim,
         q.explained, q.distance)
        for label, q in classes.items()
    )  # fmt: skip
    return Table("Means of each class (the paper's: Table 2, from the mean latent)", heads, rows)


STUDY = Study(
    "figure1",
    "Which pictures can be embedded",
    ("Figure 1", "Figure 17"),
    "Pictures of any class can be embedded into W+: faces best, the others slightly worse but well.",
    Lab.standard,
    measure,
)
