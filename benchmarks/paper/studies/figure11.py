"""Figure 11: embedding the embedded picture again, seven times."""

from itertools import pairwise
from statistics import fmean

from benchmarks.metrics import detail, mean_square, psnr
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Curves, Findings, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import Check

ITERATIONS = 7
_SLOWLY = 2.0  # the error may not grow by more than this from one iteration to the next


def checks(errors: list[float], losses: list[float], kept: list[float]) -> tuple[Check, ...]:
    """Whether quality falls, and slowly.

    Args:
        errors: mean squared difference from the original after the first embedding and each iteration.
        losses: of each embedding against its own target.
        kept: detail after each, as a share of the original's.
    """
    growth = max(after / max(before, 1e-9) for before, after in pairwise(errors))
    return (
        Check("error against the original after seven iterations", errors[-1], ">", errors[0], "after one embedding"),
        Check("largest growth of that error in one iteration", growth, "<", _SLOWLY, unit="x"),
        Check("detail kept after seven iterations", kept[-1], "<", kept[0], "after one embedding"),
        Check("loss of embedding a picture that the model made", losses[1], "<", losses[0], "of the original's"),
        Check("the same, which would be 0 for a perfect embedding", losses[1], ">", 0.0),
    )


def tasks(lab: Lab) -> list[Task]:
    """The first embeddings."""
    return [lab.task(picture.pixels) for picture in _pictures(lab)]


def measure(lab: Lab, album: Album) -> Findings:
    """Means over the pictures."""
    pictures = _pictures(lab)
    rounds = [lab.embed(tasks(lab))]
    for _ in range(ITERATIONS):
        rounds.append(lab.embed([lab.task(item.picture) for item in rounds[-1]]))
    originals = [picture.pixels for picture in pictures]
    errors = [fmean(mean_square(i.picture, o) for i, o in zip(r, originals, strict=True)) for r in rounds]
    quality = [fmean(psnr(i.picture, o) for i, o in zip(r, originals, strict=True)) for r in rounds]
    losses = [fmean(item.loss for item in r) for r in rounds]
    kept = [fmean(_measure_kept(item, p) for item, p in zip(r, pictures, strict=True)) for r in rounds]
    names = ("embedded", *(f"again, {i}" for i in range(1, ITERATIONS + 1)))
    table = Table(
        "Means over the pictures",
        ("", "PSNR to the original (dB)", "detail kept", "loss against its own target"),
        tuple(zip(names, quality, kept, losses, strict=True)),
    )
    places = tuple(float(i) for i in range(len(rounds)))
    drawn = Curves("Likeness to the original", "iteration", "PSNR (dB)", places, {"mean": quality})
    rows = [[p.pixels, *(r[i].picture for r in rounds)] for i, p in enumerate(pictures)]
    media = album.sheet("iterations", "Embedded again and again", rows, columns=("original", *map(str, range(1, 9))))
    return Findings(checks(errors, losses, kept), (table,), (drawn,), media=(media,))


def _pictures(lab: Lab) -> list[Picture]:
    """The first of each class, of as many classes as there are faces in the other studies."""
    return lab.collection.firsts()[: lab.settings.faces]


def _measure_kept(item: Embedded, picture: Picture) -> float:
    return detail(item.picture) / max(detail(picture.pixels), 1e-6)


def later(lab: Lab) -> int:
    """All but the first embeddings."""
    return ITERATIONS * len(_pictures(lab))


STUDY = Study(
    "figure11",
    "Embedding again and again",
    ("Figure 11",),
    "When embedded pictures are embedded again, seven times, quality falls slowly: details are lost.",
    tasks,
    measure,
    later,
)
