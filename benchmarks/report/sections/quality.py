"""Quality against seconds: what a second buys, one line a method, and what others report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.report.document import Block, Cell, LineChart, Measured, Paragraph, Part, Section, Series, Table
from benchmarks.report.literature import REPORTED
from benchmarks.report.numbers import Number, Text, derived
from benchmarks.report.sections.common import Sources, machine, models_in, remarks, rows_table, series_name
from benchmarks.report.source import CurveEntry, Source

_BUDGET = 1.0  # seconds, that the paper wishes for
_UNITS = {"s": "s", "step": "step", "features": "loss", "mse": "1", "psnr": "dB", "ssim": "1", "identity": "1"}
_YARDSTICK = "ssim"  # what no method minimises
_HEADS = {
    "s": "seconds", "features": "error in trained features (minimised)", "mse": "mean square error (minimised)",
    "psnr": "PSNR", "ssim": "SSIM", "identity": "identity",
}  # fmt: skip
_ABOUT = Paragraph((
    "Seconds are those of embedding alone: from the picture in memory to its latent, without the set-up below and "
    "without the time in which results are looked at. Errors in the features of VGG, trained on ImageNet, and mean "
    "square errors over pixels from minus one to one are what embedding and tuning minimise, so that they flatter "
    "whatever minimises them best; PSNR is the mean square error in other words. SSIM is minimised by no method, and "
    "neither is identity, which is the cosine of a face recogniser’s vectors. Pictures are compared as they would be "
    "saved, at the model’s own size.",
))  # fmt: skip
_ELSEWHERE = "Elsewhere: other machines, other pictures, another model. Not to be compared with the lines above"


@dataclass(frozen=True)
class Place:
    """Where a method stands after some steps: means over the pictures.

    Attributes:
        method: its name.
        figures: by column, `s` and `step` among them.
    """

    method: str
    figures: Mapping[str, Number]


def quality_section(sources: Sources) -> Section | None:
    """None when no file has the suite."""
    if not any(source.suite("quality") for source in sources):
        return None
    blocks: list[Block] = []
    for model, _ in models_in(sources, "quality", "set-up"):
        blocks += [Paragraph(parts, "lead") for source in sources if (parts := a_second(source, model))]
    blocks.append(_ABOUT)
    for model, _ in models_in(sources, "quality", "set-up"):
        blocks += _chart(sources, model)
    blocks += [*_set_up(sources), _literature(), *remarks(sources, "quality")]
    return Section("Quality against seconds", "quality", tuple(blocks))


def a_second(source: Source, model: str) -> tuple[Part, ...]:
    """What a second buys: where the best method stands then, by what none of them minimises; empty for no figures."""
    places = [place for name in _methods(source, model) for place in standing(source, model, name)]
    if not places:
        return ()
    where, pictures = machine(source), _pictures(source, model)
    within = [place for place in places if place.figures["s"].value <= _BUDGET]
    if not within:
        first = min(places, key=lambda place: place.figures["s"].value)
        return ("A second buys nothing on ", where, ": with ", Text(model), " the first picture, of ",
                Text(first.method), ", is there after ", first.figures["s"], ".")  # fmt: skip
    best = max(within, key=lambda place: place.figures[_YARDSTICK].value)
    found = best.figures
    who: tuple[Part, ...] = (" and an identity of ", found["identity"]) if "identity" in found else ()
    return (
        "What one second buys on ", where, " with ", Text(model), ": ", Text(best.method), " is best, with an SSIM of ",
        found["ssim"], ", ", found["psnr"], " PSNR, a mean square error of ", found["mse"], ", an error of ",
        found["features"], " in trained features", *who, ", after ", found["step"], " and ", found["s"],
        " (means of ", Text(pictures), ").",
    )  # fmt: skip


def standing(source: Source, model: str, method: str) -> list[Place]:
    """A method after each number of steps that all of its pictures have come to."""
    curves = [entry for entry in _curves(source, model) if entry.curve.case.variant == method]
    columns = {name for entry in curves for name in entry.curve.columns}
    shared = min((len(entry.curve.points) for entry in curves), default=0)
    return [
        Place(method, {name: _mean(curves, name, place) for name in _UNITS if name in columns})
        for place in range(shared)
    ]


def _mean(curves: list[CurveEntry], column: str, place: int) -> Number:
    """Over the pictures that have it: an identity is a face’s."""
    numbers = [entry.column(column)[place] for entry in curves if column in entry.curve.columns]
    return derived("mean", *numbers, unit=_UNITS[column])


def _curves(source: Source, model: str) -> list[CurveEntry]:
    return [entry for entry in source.curves("quality") if entry.curve.case.model == model and entry.curve.points]


def _methods(source: Source, model: str) -> list[str]:
    return list(dict.fromkeys(entry.curve.case.variant for entry in _curves(source, model)))


def _pictures(source: Source, model: str) -> str:
    return ", ".join(dict.fromkeys(entry.curve.case.picture for entry in _curves(source, model)))


def _chart(sources: Sources, model: str) -> Iterator[LineChart]:
    series, rows = [], list[tuple[Source, tuple[Cell, ...]]]()
    places = [
        (source, standing(source, model, name)) for source in sources for name in _methods(source, model)
    ]  # fmt: skip
    shown = [name for name in _HEADS if any(name in place.figures for _, line in places for place in line)]
    for source, line in places:
        name = " ".join(filter(None, (line[0].method, series_name(source, sources))))
        points = tuple((place.figures["s"], Measured(place.figures[_YARDSTICK])) for place in line)
        series.append(Series(name, points))
        rows += [
            (source, (place.method, place.figures["step"], *(place.figures.get(name) for name in shown)))
            for place in line
        ]
    if series:
        title = f"{model}: structural similarity against seconds of embedding"
        (table,) = rows_table(title, ("", "steps", *(_HEADS[name] for name in shown)), rows, sources)
        said = f"{title}, one line a method, a mark wherever it was looked at; higher is better."
        yield LineChart(title, said, "seconds (logarithmic)", "SSIM", tuple(series), (True, False), table)


def _set_up(sources: Sources) -> list[Table]:
    rows = (
        (source, (entry.text("variant"), entry.text("model"), entry.number("set-up"),
                  Text("; ".join(entry.row.notes), f"{entry.place}.notes")))
        for source in sources
        for entry in source.entries("quality", "set-up")
    )  # fmt: skip
    return rows_table("Set-up, once for a model", ("", "model", "time", ""), rows, sources)


def _literature() -> Table:
    rows = tuple(
        (one.text("name"), one.text("changes"), one.number("seconds", "s"), one.number("mse", "1"),
         one.number("identity", "1"))
        for one in REPORTED
    )  # fmt: skip
    about = Text("GANInverter’s README: CelebA-HQ, StyleGAN2, RTX 3090", "literature:about")
    return Table(_ELSEWHERE, (about, "what is found", "time", "mean square error", "identity"), rows)
