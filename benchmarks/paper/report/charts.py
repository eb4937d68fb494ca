"""Curves and heat maps."""

from collections.abc import Sequence
from itertools import groupby

from benchmarks.paper.outcome import Curves, HeatMap
from benchmarks.report.document import LineChart, Measured, Series
from benchmarks.report.line_chart import draw_line_chart
from benchmarks.report.numbers import Number, digits
from benchmarks.report.page import figure_markup
from benchmarks.report.svg import WIDTH, Markup, figure, join, tag, text_width

_GAP = 6  # between classes
_TOP, _BOTTOM = 30, 34
_LARGEST_CELL = 24


def curves_markup(curves: Curves, origin: str) -> Markup:
    """A line chart."""
    series = tuple(Series(name, _points(curves.xs, line, f"{origin}.{name}")) for name, line in curves.lines.items())
    logarithmic = (False, curves.logarithmic)
    chart = LineChart(curves.caption, _describe(curves), curves.x_axis, curves.y_axis, series, logarithmic)
    return figure_markup(curves.caption, draw_line_chart(chart))


def _points(xs: Sequence[float], ys: Sequence[float], origin: str) -> tuple[tuple[Number, Measured], ...]:
    return tuple(
        (Number(x, "", (f"{origin}[{i}]",)), Measured(Number(y, "", (f"{origin}[{i}]",))))
        for i, (x, y) in enumerate(zip(xs, ys, strict=True))
    )


def _describe(curves: Curves) -> str:
    ends = (f"{name} from {digits(line[0])} to {digits(line[-1])}" for name, line in curves.lines.items())
    return f"{curves.y_axis} against {curves.x_axis}: {'; '.join(ends)}"


def heat_map_markup(heat: HeatMap) -> Markup:
    """A matrix of squares, the darker the larger, with gaps between the classes."""
    left = max(text_width(name) for name in heat.groups) + 12
    offsets = _offsets(heat.groups)
    cell = min(_LARGEST_CELL, (WIDTH - left - offsets[-1]) / len(heat.groups))
    places = [i * cell + offset for i, offset in enumerate(offsets)]
    largest = max(value for row in heat.values for value in row) or 1.0
    cells = [
        tag(
            "rect",
            tag("title", f"{heat.groups[i]} {i + 1}, {heat.groups[j]} {j + 1}: {digits(value)}"),
            x=left + places[j], y=_TOP + places[i], width=cell - 1, height=cell - 1,
            class_="heat", fill_opacity=f"{value / largest:.3f}",
        )
        for i, row in enumerate(heat.values)
        for j, value in enumerate(row)
    ]  # fmt: skip
    height = _TOP + places[-1] + cell + _BOTTOM
    drawn = figure(heat.caption, _heat_description(heat), height, *cells, *_names(heat.groups, places, cell, left),
                   _key(largest, left, height))  # fmt: skip
    return figure_markup(heat.caption, drawn)


def _offsets(groups: Sequence[str]) -> list[int]:
    offsets, total = [], 0
    for i, name in enumerate(groups):
        total += _GAP if i and name != groups[i - 1] else 0
        offsets.append(total)
    return offsets


def _names(groups: Sequence[str], places: Sequence[float], cell: float, left: float) -> list[Markup]:
    """Each class once beside its rows and once above its columns."""
    names, start = [], 0
    for name, members in groupby(groups):
        count = len(list(members))
        middle = (places[start] + places[start + count - 1] + cell) / 2
        names.append(tag("text", name, x=left - 8, y=_TOP + middle + 4, class_="label", text_anchor="end"))
        names.append(tag("text", name, x=left + middle, y=_TOP - 10, class_="tick", text_anchor="middle"))
        start += count
    return names


def _key(largest: float, left: float, height: float) -> Markup:
    steps = [
        tag("rect", x=left + 22 * i, y=height - 20, width=21, height=12, class_="heat", fill_opacity=f"{i / 5:.2f}")
        for i in range(6)
    ]
    ends = tag("text", f"0 to {digits(largest)}", x=left + 22 * 6 + 8, y=height - 10, class_="tick")
    return join(*steps, ends)


def _heat_description(heat: HeatMap) -> str:
    count, classes = len(heat.groups), ", ".join(dict.fromkeys(heat.groups))
    return f"{count} by {count} distances, ordered by class: {classes}"
