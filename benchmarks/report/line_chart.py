"""A line chart with marks of a shape a series, names at the lines' ends, and bars for quartiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.document import LineChart, Series
from benchmarks.report.numbers import Number, digits
from benchmarks.report.scales import Scale
from benchmarks.report.svg import SERIES, WIDTH, Markup, figure, join, marker, tag, text_width

_HEIGHT, _TOP, _BOTTOM, _LEFT = 340, 34, 46, 64
_BOLD = 1.15  # times wider than ordinary letters
_NAME_GAP = 17
_FEW = 8
_MARKED = 24  # lines of more points are drawn without marks


@dataclass(frozen=True)
class _Frame:
    """The plotting area and its scales."""

    x: Scale
    y: Scale
    right: float

    def across(self, value: float) -> float:
        return _LEFT + self.x.place(value) * (self.right - _LEFT)

    def down(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - self.y.place(value) * (_HEIGHT - _BOTTOM - _TOP)


def draw_line_chart(chart: LineChart) -> Markup:
    """The chart as a figure."""
    xs = [x.value for series in chart.series for x, _ in series.points]
    ys = [value for series in chart.series for _, y in series.points for value in _extent(y.number, y.spread)]
    names = _BOLD * max(text_width(series.label) for series in chart.series)
    frame = _Frame(
        Scale.around(xs, logarithmic=chart.logarithmic[0]),
        Scale.around(ys, logarithmic=chart.logarithmic[1]),
        WIDTH - min(names + 20, WIDTH * 0.3),
    )
    lines = [_line(i, series, frame) for i, series in enumerate(chart.series)]
    return figure(chart.title, chart.description, _HEIGHT, _axes(chart, frame), *lines, _names(chart.series, frame))


def _extent(number: Number, spread: tuple[Number, Number] | None) -> Sequence[float]:
    return [number.value, *((spread[0].value, spread[1].value) if spread else ())]


def _axes(chart: LineChart, frame: _Frame) -> Markup:
    bottom = _HEIGHT - _BOTTOM
    vertical = [
        join(
            tag("line", x1=frame.across(v), x2=frame.across(v), y1=_TOP, y2=bottom, class_="grid"),
            tag("text", words, x=frame.across(v), y=bottom + 17, class_="tick", text_anchor="middle"),
        )
        for v, words in _places_across(chart, frame.x)
    ]
    horizontal = [
        join(
            tag("line", x1=_LEFT, x2=frame.right, y1=frame.down(v), y2=frame.down(v), class_="grid"),
            tag("text", words, x=_LEFT - 8, y=frame.down(v) + 4, class_="tick", text_anchor="end"),
        )
        for v, words in frame.y.ticks()
    ]
    x_name = tag("text", chart.x_axis, x=(_LEFT + frame.right) / 2, y=_HEIGHT - 8, class_="axis", text_anchor="middle")
    return join(*vertical, *horizontal, x_name, tag("text", chart.y_axis, x=2, y=14, class_="axis"))


def _places_across(chart: LineChart, scale: Scale) -> list[tuple[float, str]]:
    """The very places that were measured where they are few, such as batch sizes; else round numbers."""
    values = sorted({x.value for series in chart.series for x, _ in series.points})
    return [(value, digits(value)) for value in values] if len(values) <= _FEW else scale.ticks()


def _line(index: int, series: Series, frame: _Frame) -> Markup:
    places = [(frame.across(x.value), frame.down(y.number.value)) for x, y in series.points]
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = [tag("path", d=path, class_=f"line s{index % SERIES}")]
    for (x, y), (_, measured) in zip(places, series.points, strict=True):
        if measured.spread:
            low, high = (frame.down(number.value) for number in measured.spread)
            drawn.append(tag("line", x1=x, x2=x, y1=low, y2=high, class_=f"spread s{index % SERIES}"))
        if len(places) <= _MARKED:
            drawn.append(marker(index, x, y, series.label, measured.number))
    return join(*drawn)


def _names(series: Sequence[Series], frame: _Frame) -> Markup:
    """Each line's name at its end, moved apart where they would overlap."""
    ends = sorted((frame.down(s.points[-1][1].number.value), i) for i, s in enumerate(series))
    drawn, lowest = [], float(_TOP)
    limit = _HEIGHT - _BOTTOM - _NAME_GAP * (len(ends) - 1)
    for rank, (wanted, i) in enumerate(ends):
        y = max(min(wanted, limit + _NAME_GAP * rank), lowest)
        lowest = y + _NAME_GAP
        drawn.append(tag("text", series[i].label, x=frame.right + 10, y=y + 4, class_=f"name s{i % SERIES}"))
    return join(*drawn)
