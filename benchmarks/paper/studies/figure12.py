"""Figure 12: the perceptual loss on resized pictures and at their full size."""

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.quality import Quality, mean_quality
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check

_IMAGENET_SIZE = 256  # to which the paper resizes
_SHOWN = 2  # pictures


def checks(resized: Quality, full: Quality) -> tuple[Check, ...]:
    """Whether resizing serves the embedding, at the cost of small details."""
    return (
        Check("SSIM with resized pictures", resized.ssim, ">", full.ssim, "at full size"),
        Check("detail kept with resized pictures, as a share of the pictures' own", resized.detail, "<", 1.0),
    )


def tasks(lab: Lab) -> list[Task]:
    """Some pictures, resized and at full size."""
    pictures = lab.collection.firsts()[:_SHOWN]
    return [lab.objective_task(p.pixels, perceptual_size=size) for size in _sizes(lab) for p in pictures]


def measure(lab: Lab, album: Album) -> Findings:
    """Measures always; judges where the paper's question arises."""
    pictures = lab.collection.firsts()[:_SHOWN]
    embedded = lab.embed(tasks(lab))
    halves = embedded[: len(pictures)], embedded[len(pictures) :]
    resized, full = (mean_quality(pictures, half) for half in halves)
    sizes = (f"at {_sizes(lab)[0]} pixels", f"at full size, {lab.generator.resolution}")
    rows = tuple((name, q.ssim, q.psnr, q.detail) for name, q in zip(sizes, (resized, full), strict=True))
    table = Table("The size at which VGG looks", ("", "SSIM", "PSNR (dB)", "detail kept"), rows)
    shown = [[p.pixels, *(half[i].picture for half in halves)] for i, p in enumerate(pictures)]
    media = album.sheet("sizes", "The size at which VGG looks", shown, columns=("picture", *sizes))
    reason = _untestable(lab)
    return Findings(() if reason else checks(resized, full), (table,), media=(media,), untestable=reason)


def _sizes(lab: Lab) -> tuple[int, int]:
    return min(lab.settings.perceptual_size, _IMAGENET_SIZE, lab.generator.resolution // 2), 0


def _untestable(lab: Lab) -> str:
    if lab.generator.resolution <= _IMAGENET_SIZE:
        width = lab.generator.resolution
        return f"its pictures are {width} pixels wide, no larger than the {_IMAGENET_SIZE} that the paper resizes to"
    if lab.vgg.source.name.startswith("random"):
        return "the claim is about features trained on ImageNet's small pictures; these are random"
    return ""


STUDY = Study(
    "figure12",
    "The size at which the perceptual loss looks",
    ("Figure 12",),
    "The perceptual loss on pictures resized to 256 pixels embeds better than at 1024, though small details are lost.",
    tasks,
    measure,
)
