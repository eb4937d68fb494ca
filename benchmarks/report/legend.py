"""The key of a chart's series: mark, colour and name."""

from collections.abc import Sequence

from benchmarks.report.svg import SERIES, WIDTH, Markup, join, shape_markup, tag, text_width

_LINE = 22


def series_index(series: Sequence[str], name: str) -> int:
    """Which colour and shape a series has."""
    return list(series).index(name)


def legend_height(series: Sequence[str]) -> float:
    """Room that the key takes; none for a single series."""
    return _LINE * (1 + max(line for _, line, _ in _places(series))) + 6 if len(series) > 1 else 0.0


def legend(series: Sequence[str]) -> Markup:
    """The key, at the top left, in as many lines as it needs."""
    if len(series) <= 1:
        return Markup("")
    return join(*(_entry(i, name, x, 12 + _LINE * line) for i, (x, line, name) in enumerate(_places(series))))


def _entry(index: int, name: str, x: float, y: float) -> Markup:
    mark = tag("g", shape_markup(index, x + 8, y), class_=f"mark s{index % SERIES}")
    return join(mark, tag("text", name, x=x + 20, y=y + 4, class_="key"))


def _places(series: Sequence[str]) -> list[tuple[float, int, str]]:
    found, x, line = [], 0.0, 0
    for name in series:
        width = 34 + text_width(name)
        if x and x + width > WIDTH:
            x, line = 0.0, line + 1
        found.append((x, line, name))
        x += width
    return found
