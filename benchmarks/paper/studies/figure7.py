"""Figures 7 and 25: expressions transferred from one person to others, in both directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.factors import EXPRESSIVE
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Media, Row, Table
from benchmarks.paper.pictures.collection import Source
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.arrays import Pixels
from i2s_trt.edit.operations import expression_direction, move

STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_CHANGES = 0.4  # of a factor whose range is 2: what an expression consists of
_ELSEWHERE = 1 / 3  # of the movement of the expression


@dataclass(frozen=True)
class Ramp:
    """One expression of one source on one target.

    Attributes:
        label: for the table.
        pictures: uint8 [H, W, 3], one for each of `STRENGTHS`.
        rising: the expression as read, at each strength: mean over its factors, each turned to rise.
        elsewhere: mean movement, from the lowest to the highest strength, of factors that are no expression.
    """

    label: str
    pictures: list[Pixels]
    rising: list[float]
    elsewhere: float

    @property
    def moved(self) -> float:
        """Change from the lowest to the highest strength."""
        return self.rising[-1] - self.rising[0]

    @property
    def grows(self) -> bool:
        """Whether it rises, and nowhere falls by more than a tenth of the whole: mouths cannot frown ever more."""
        return self.moved > 0 and float(np.diff(self.rising).min()) > -0.1 * self.moved


def checks(ramps: Sequence[Ramp]) -> tuple[Check, ...]:
    """Whether expressions grow with the strength and leave the rest of a face."""
    return (
        Check("share of transfers in which the expression grows with the strength", fmean(r.grows for r in ramps),
              ">", 0.74),
        Check("growth of the expression, mean", fmean(r.moved for r in ramps), ">", _CHANGES),
        Check("movement of everything else, as a share of it",
              fmean(r.elsewhere for r in ramps) / max(fmean(r.moved for r in ramps), 1e-9), "<", _ELSEWHERE),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """Every expression of the sources, and the targets."""
    sources = [lab.task(pixels) for source in _sources(lab) for pixels in source.pixels.values()]
    return [*sources, *(lab.task(face.pixels) for face in lab.faces())]


def measure(lab: Lab, album: Album) -> Findings:
    """Every expression on every target."""
    embedded = iter(lab.embed(tasks(lab)))
    sources = [{name: next(embedded) for name in source.pixels} for source in _sources(lab)]
    targets = list(embedded)
    ramps, media = [], []
    for source, latents in zip(_sources(lab), sources, strict=True):
        for expression in source.expressions:
            direction = expression_direction(
                latents["neutral"].w_plus, latents[expression].w_plus, lab.settings.threshold
            )
            rows = [_pictures(lab, target, direction) for target in targets]
            media.append(_sheet(album, source, expression, latents, rows))
            if lab.knows_factors:
                change = _change(lab, source, expression)
                ramps += [_ramp(lab, f"{source.name}, {expression}, on face {i}", row, change)
                          for i, row in enumerate(rows, start=1)]  # fmt: skip
    notes = (f"Rows of the difference shorter than {lab.settings.threshold:g} are left out (section 4.3).",)
    if not ramps:
        reason = "only of the built-in model's faces is it known which expression they show"
        return Findings(media=tuple(media), notes=notes, untestable=reason)
    return Findings(checks(ramps), (_table(ramps), _codes(lab, sources)), media=tuple(media), notes=notes)


def _sources(lab: Lab) -> Sequence[Source]:
    if not lab.collection.sources:
        raise NotTestableError("there are no people with several expressions (no subfolder named expressions)")
    return lab.collection.sources


def _pictures(lab: Lab, target: Embedded, direction: Pixels) -> list[Pixels]:
    return list(lab.render(np.stack([move(target.w_plus, direction, strength) for strength in STRENGTHS])))


def _change(lab: Lab, source: Source, expression: str) -> dict[str, float]:
    """What the source's pictures differ in, as read: factor -> difference."""
    reading = lab.read([source.pixels["neutral"], source.pixels[expression]])
    return {factor: float(values[1] - values[0]) for factor, values in reading.items()}


def _ramp(lab: Lab, label: str, pictures: list[Pixels], change: Mapping[str, float]) -> Ramp:
    reading = lab.read(pictures)
    moving = {f: np.sign(d) for f, d in change.items() if f in EXPRESSIVE and abs(d) > _CHANGES}
    rising = np.mean([reading[factor] * sign for factor, sign in moving.items()], axis=0)
    still = [abs(float(v[-1] - v[0])) for factor, v in reading.items() if factor not in EXPRESSIVE]
    return Ramp(label, pictures, [float(value) for value in rising], fmean(still))


def _table(ramps: Sequence[Ramp]) -> Table:
    heads = ("", *(f"λ = {strength:g}" for strength in STRENGTHS), "everything else moves by")
    rows: tuple[Row, ...] = tuple((ramp.label, *ramp.rising, ramp.elsewhere) for ramp in ramps)
    return Table("The expression as the factor reader sees it (each factor's range is 2)", heads, rows)


def _codes(lab: Lab, sources: Sequence[Mapping[str, Embedded]]) -> Table:
    """How alike the codes of one expression are, taken from different people."""
    first, second = (sources[0], sources[1]) if len(sources) > 1 else (sources[0], sources[0])
    rows = []
    for expression in (name for name in first if name != "neutral" and name in second):
        codes = [
            expression_direction(s["neutral"].w_plus, s[expression].w_plus, lab.settings.threshold).ravel()
            for s in (first, second)
        ]
        size = float(np.linalg.norm(codes[0]) * np.linalg.norm(codes[1]))
        rows.append((expression, float(codes[0] @ codes[1]) / size if size else None))
    return Table("Cosine between the codes of an expression taken from two people", ("", "cosine"), tuple(rows))


def _sheet(
    album: Album, source: Source, expression: str, latents: Mapping[str, Embedded], rows: Sequence[Sequence[Pixels]]
) -> Media:
    reference = [source.pixels["neutral"], latents["neutral"].picture, None, latents[expression].picture,
                 source.pixels[expression]]  # fmt: skip
    return album.sheet(
        f"{source.name}-{expression}".replace(" ", "-"),
        f"{source.name}, neutral and {expression} (outside: pictures, inside: embeddings); below, faces to which their "
        "difference is added with the strengths above",
        [reference, *rows],
        columns=[f"{strength:+g}" for strength in STRENGTHS],
        labels=("source", *(f"face {i}" for i in range(1, len(rows) + 1))),
    )


STUDY = Study(
    "figure7",
    "Expression transfer",
    ("Figure 7", "Figure 25"),
    "Adding the difference of two expressions of one person transfers the expression to other faces, in strength and "
    "both directions, and leaves the rest.",
    tasks,
    measure,
)
