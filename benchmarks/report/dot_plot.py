"""A dot plot (Cleveland's): one row a label, a mark where its value lies, a bar for its quartiles."""

from collections.abc import Callable, Sequence

from benchmarks.report.document import Dot, DotPlot
from benchmarks.report.legend import legend, legend_height, series_index
from benchmarks.report.numbers import digits
from benchmarks.report.scales import Scale
from benchmarks.report.svg import SERIES, WIDTH, Markup, figure, join, marker, origin, tag, text_width, unit_words

_ROW, _TOP, _BOTTOM, _RIGHT = 26, 14, 40, 92
_GAP = 14
Across = Callable[[float], float]


def draw_dot_plot(plot: DotPlot) -> Markup:
    """The plot as a figure."""
    labels = list(dict.fromkeys(dot.label for dot in plot.dots))
    series = list(dict.fromkeys(dot.series for dot in plot.dots))
    top = _TOP + legend_height(series)
    left = min(max(text_width(label) for label in labels) + 18, WIDTH * 0.45)
    bottom = top + _ROW * len(labels)
    scale = Scale.around([value for dot in plot.dots for value in _extent(dot)], logarithmic=plot.logarithmic)

    def across(value: float) -> float:
        return left + _GAP + scale.place(value) * (WIDTH - _RIGHT - left - _GAP)

    lines = {label: top + _ROW * (i + 0.5) for i, label in enumerate(labels)}
    drawn = [
        legend(series),
        _axis(scale, across, top, bottom, plot.axis, (left + WIDTH - _RIGHT) / 2),
        *(_row(label, y, left) for label, y in lines.items()),
        *(_dot(dot, series_index(series, dot.series), across, lines[dot.label], len(series) == 1) for dot in plot.dots),
    ]
    return figure(plot.title, plot.description, bottom + _BOTTOM, *drawn)


def _extent(dot: Dot) -> Sequence[float]:
    spread = dot.measured.spread
    return [dot.measured.number.value, *((spread[0].value, spread[1].value) if spread else ())]


def _axis(scale: Scale, across: Across, top: float, bottom: float, name: str, middle: float) -> Markup:
    ticks = [
        join(
            tag("line", x1=across(value), x2=across(value), y1=top, y2=bottom, class_="grid"),
            tag("text", words, x=across(value), y=bottom + 16, class_="tick", text_anchor="middle"),
        )
        for value, words in scale.ticks()
    ]
    return join(*ticks, tag("text", name, x=middle, y=bottom + 34, class_="axis", text_anchor="middle"))


def _row(label: str, y: float, left: float) -> Markup:
    line = tag("line", x1=left + 6, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="row")
    return join(line, tag("text", label, x=left, y=y + 4, class_="label", text_anchor="end"))


def _dot(dot: Dot, series: int, across: Across, y: float, with_value: bool) -> Markup:
    number, spread = dot.measured.number, dot.measured.spread
    bar = Markup("")
    furthest = across(number.value)
    if spread:
        x1, x2 = across(spread[0].value), across(spread[1].value)
        furthest = max(furthest, x2)
        bar = tag("line", x1=x1, x2=x2, y1=y, y2=y, class_=f"spread s{series % SERIES}")
    value = Markup("")
    if with_value:
        unit = tag("tspan", "\u202f", unit_words(number.unit), class_="unit")
        shown = tag("tspan", digits(number.value), **origin(number))
        value = tag("text", shown, unit, x=furthest + 10, y=y + 4, class_="value")
    name = f"{dot.label}, {dot.series}" if dot.series else dot.label
    return join(bar, marker(series, across(number.value), y, name, number, hollow=dot.reference), value)
