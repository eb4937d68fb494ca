"""Axes and charts: everything in its place, within the picture, told apart and told to screen readers."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report.document import Dot, DotPlot, LineChart, Measured, Series
from benchmarks.report.dot_plot import draw_dot_plot
from benchmarks.report.line_chart import draw_line_chart
from benchmarks.report.numbers import Number
from benchmarks.report.scales import Scale
from benchmarks.report.svg import WIDTH, Markup, join, tag

POSITIVE = st.lists(st.floats(1e-3, 1e7), min_size=1, max_size=12)
ANY = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 9)), min_size=1, max_size=12)  # no axis of 300 decades


def number(value: float) -> Number:
    return Number(value, "ms", ("0:x",))


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)


@given(values=POSITIVE, logarithmic=st.booleans())
def test_all_values_lie_on_the_axis_in_their_order(values: list[float], logarithmic: bool) -> None:
    scale = Scale.around(values, logarithmic=logarithmic)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 1


@given(values=POSITIVE | ANY, logarithmic=st.booleans(), most=st.integers(4, 9))
def test_ticks_are_few_in_order_and_on_the_axis(values: list[float], logarithmic: bool, most: int) -> None:
    scale = Scale.around(values, logarithmic=logarithmic)
    ticks = [value for value, _ in scale.ticks(most)]
    assert 1 < len(ticks) <= most + 1
    assert ticks == sorted(set(ticks))
    assert all(-1e-6 <= scale.place(tick) <= 1 + 1e-6 for tick in ticks)


@given(values=ANY)
def test_a_linear_axis_has_zero_on_it(values: list[float]) -> None:
    scale = Scale.around(values, logarithmic=False)
    assert scale.low <= 0 <= scale.high


def test_a_logarithmic_axis_of_something_that_is_zero_is_linear() -> None:
    assert not Scale.around([0.0, 5.0], logarithmic=True).logarithmic


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(1, 1000, [1, 10, 100, 1000]), (80, 4200, [100, 200, 500, 1000, 2000]), (1.1, 4.2, [1.5, 2, 3, 4])],
)
def test_logarithmic_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert [value for value, _ in Scale(low, high, logarithmic=True).ticks()] == ticks


def test_linear_ticks_are_round() -> None:
    assert [value for value, _ in Scale(0, 33.9).ticks()] == [0, 10, 20, 30]


def dot_plot(values: dict[tuple[str, str], float], *, logarithmic: bool = True) -> DotPlot:
    dots = tuple(Dot(label, series, Measured(number(value))) for (label, series), value in values.items())
    return DotPlot("Title", "Description", "ms", dots, logarithmic)


@given(
    values=st.dictionaries(
        st.tuples(st.sampled_from(["baseline", "a <b> & \"c\"", "é" * 30]), st.sampled_from(["one", "two", "three"])),
        st.floats(1e-3, 1e6), min_size=1,
    ),
    logarithmic=st.booleans(),
)  # fmt: skip
def test_dot_plots_are_well_formed_and_within_their_picture(
    values: dict[tuple[str, str], float], logarithmic: bool
) -> None:
    root = parsed(draw_dot_plot(dot_plot(values, logarithmic=logarithmic)))
    (drawn,) = root.findall("svg")
    height = float(drawn.attrib["viewBox"].split()[3])
    marks = [group for group in drawn.iter("g") if "data-from" in group.attrib]
    assert sorted(float(mark.attrib["data-value"]) for mark in marks) == sorted(values.values())
    for circle in drawn.iter("circle"):
        assert 0 <= float(circle.attrib["cx"]) <= WIDTH
        assert 0 <= float(circle.attrib["cy"]) <= height
    texts = {text.text for text in drawn.iter("text")}
    assert {label for label, _ in values} <= texts


def test_a_larger_value_stands_further_right() -> None:
    root = parsed(draw_dot_plot(dot_plot({("a", ""): 1.0, ("b", ""): 10.0, ("c", ""): 100.0})))
    xs = [float(circle.attrib["cx"]) for circle in root.iter("circle")]
    assert xs == sorted(xs)
    assert math.isclose(xs[1] - xs[0], xs[2] - xs[1], abs_tol=0.1)


def test_series_differ_in_shape_and_colour() -> None:
    root = parsed(draw_dot_plot(dot_plot({("a", f"series {i}"): float(i + 1) for i in range(9)})))
    marks = [group for group in root.iter("g") if "data-from" in group.attrib]
    looks = set()
    for mark in marks:
        shape = next(child for child in mark if child.tag in ("circle", "polygon"))
        relative = [round(float(part) * 2) for part in re.findall(r"-?[\d.]+", shape.attrib.get("points", ""))]
        start = relative[:2] * (len(relative) // 2)
        corners = tuple(a - b for a, b in zip(relative, start, strict=True))
        looks.add((mark.attrib["class"], shape.tag, corners))
    assert len(looks) == 9


def line_chart(*lines: list[tuple[float, float]]) -> LineChart:
    series = tuple(
        Series(f"line {i}", tuple((number(x), Measured(number(y))) for x, y in line)) for i, line in enumerate(lines)
    )
    return LineChart("Title", "Description", "x", "y", series)


@given(
    lines=st.lists(
        st.lists(st.tuples(st.floats(1, 1e4), st.floats(1e-2, 1e5)), min_size=1, max_size=10), min_size=1, max_size=7
    )
)
def test_line_charts_are_well_formed_and_their_names_do_not_overlap(lines: list[list[tuple[float, float]]]) -> None:
    root = parsed(draw_line_chart(line_chart(*lines)))
    (drawn,) = root.findall("svg")
    height = float(drawn.attrib["viewBox"].split()[3])
    names = [text for text in drawn.iter("text") if text.attrib.get("class", "").startswith("name")]
    assert sorted(str(text.text) for text in names) == [f"line {i}" for i in range(len(lines))]
    ys = sorted(float(text.attrib["y"]) for text in names)
    assert all(later - earlier >= 14 for earlier, later in pairwise(ys))
    assert ys[0] > 0
    assert ys[-1] < height


def test_few_places_are_ticks_themselves() -> None:
    root = parsed(draw_line_chart(line_chart([(1, 5), (4, 7), (8, 9)])))
    ticks = [text.text for text in root.iter("text") if text.attrib.get("class") == "tick"]
    assert ticks[:3] == ["1", "4", "8"]


def test_pictures_are_told_to_screen_readers() -> None:
    for markup in (draw_dot_plot(dot_plot({("a", ""): 1.0})), draw_line_chart(line_chart([(1, 2), (3, 4)]))):
        (drawn,) = parsed(markup).findall("svg")
        assert drawn.attrib["role"] == "img"
        assert [(child.tag, child.text) for child in list(drawn)[:2]] == [("title", "Title"), ("desc", "Description")]


@given(st.text())
def test_words_never_become_markup(words: str) -> None:
    shown = tag("p", words, title=words)
    assert shown.count("<") == 2
    assert join(Markup("<b>"), words).startswith("<b>")
