"""Figures 8 and 23: crossover between embedded pictures of all classes."""

from collections.abc import Sequence
from itertools import permutations
from statistics import fmean

import numpy as np

from benchmarks.metrics import colour_distance, contour_likeness
from benchmarks.paper.album import Album
from benchmarks.paper.factors import is_fine, mean_share, taken_shares
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import FACES, Picture
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels
from i2s_trt.edit.operations import crossover

_KEPT, _TAKEN = 1 / 3, 2 / 3  # of the way from content to style


def checks(
    to_style: float, to_content: float, faces: float, others: float, shares: dict[str, float] | None
) -> tuple[Check, ...]:
    """Whether crossover takes the style's colours, keeps faces and loses other contents.

    Args:
        to_style, to_content: distance of the mixtures' colours from either.
        faces, others: contours that mixtures share with their content, for contents that are faces and that are not.
        shares: how far factors of faces go from content to style, where they are known.
    """
    found = [
        Check("distance of the mixtures' colours from the style", to_style, "<", to_content, "from the content"),
        Check("contours kept of contents that are no faces", others, "<", faces, "of faces"),
    ]
    if shares:
        found += [
            Check("faces: share of shape, pose and expression taken from the style", mean_share(shares, fine=False),
                  "<", _KEPT),
            Check("faces: share of colours and light taken from the style", mean_share(shares, fine=True), ">", _TAKEN),
        ]  # fmt: skip
    return tuple(found)


def measure(lab: Lab, album: Album) -> Findings:
    """The table of the first pictures of all classes, and all pairs of faces."""
    others = lab.classes_beside_faces()
    pictures = lab.collection.pictures
    embedded = lab.embed(lab.standard())
    chosen = [i for i, picture in enumerate(pictures) if picture in lab.collection.firsts()]
    grid = [[mixture(lab, embedded[c], embedded[s]) for c in chosen] for s in chosen]
    to_style, to_content, kept = _judge(embedded, chosen, grid)
    faces = fmean(kept[i] for i, c in enumerate(chosen) if pictures[c].label == FACES)
    rest = fmean(kept[i] for i, c in enumerate(chosen) if pictures[c].label in others)
    shares = _face_shares(lab, pictures, embedded) if lab.knows_factors else None
    table = Table(
        "Contours that mixtures share with their content",
        ("content", "mean over the styles"),
        tuple((pictures[c].label, kept[i]) for i, c in enumerate(chosen)),
    )
    tables = [table, *([_share_table(shares)] if shares else [])]
    rows = [[embedded[s].picture, *row] for s, row in zip(chosen, grid, strict=True)]
    media = album.sheet(
        "crossover", "Contents across, styles down: the lower half of the layers from the content, the upper half "
        "from the style", [[None, *(embedded[c].picture for c in chosen)], *rows],
        columns=("", *(pictures[c].label for c in chosen)), labels=("content", *(pictures[s].label for s in chosen)),
    )  # fmt: skip
    return Findings(checks(to_style, to_content, faces, rest, shares), tuple(tables), media=(media,))


def mixture(lab: Lab, content: Embedded, style: Embedded) -> Pixels:
    """The content with the style's upper half of the layers, uint8 [H, W, 3]."""
    return np.asarray(lab.render(crossover(content.w_plus, style.w_plus, lab.style_layers)[None])[0])


def _judge(
    embedded: Sequence[Embedded], chosen: Sequence[int], grid: Sequence[Sequence[Pixels]]
) -> tuple[float, float, list[float]]:
    """Colour distances to style and content, and each content's kept contours, over all mixtures of two pictures."""
    pairs = list(permutations(range(len(chosen)), 2))
    to_style = fmean(colour_distance(grid[s][c], embedded[chosen[s]].picture) for s, c in pairs)
    to_content = fmean(colour_distance(grid[s][c], embedded[chosen[c]].picture) for s, c in pairs)
    kept = [
        fmean(contour_likeness(grid[s][c], embedded[chosen[c]].picture) for s in range(len(chosen)) if s != c)
        for c in range(len(chosen))
    ]
    return to_style, to_content, kept


def _face_shares(lab: Lab, pictures: Sequence[Picture], embedded: Sequence[Embedded]) -> dict[str, float]:
    faces = [item for picture, item in zip(pictures, embedded, strict=True) if picture.label == FACES]
    pairs = list(permutations(faces, 2))
    if not pairs:
        return {}
    content, style = (lab.read([pair[i].picture for pair in pairs]) for i in (0, 1))
    return taken_shares(content, style, lab.read([mixture(lab, *pair) for pair in pairs]))


def _share_table(shares: dict[str, float]) -> Table:
    ordered = sorted(shares, key=lambda factor: (is_fine(factor), factor))
    rows = tuple(
        (factor.replace("_", " "), "colours and light" if is_fine(factor) else "shape and expression", shares[factor])
        for factor in ordered
    )
    return Table("Faces: how far each factor goes from content (0) to style (1)", ("factor", "kind", "share"), rows)


STUDY = Study(
    "figure8",
    "Style transfer between classes",
    ("Figure 8", "Figure 23"),
    "Crossover transfers colours and textures between all classes; the structure of faces stays, that of other "
    "contents is lost.",
    Lab.standard,
    measure,
)
