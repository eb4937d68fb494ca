"""Small pieces of SVG and HTML, escaped."""

from html import escape

from benchmarks.report.numbers import Number, Text, digits

WIDTH = 760
_CLOSE = ("%", "×")  # units written without a space
_CHARACTER = 6.9  # of chart text, in units of the picture


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element; children that are not `Markup` are escaped, a trailing underscore of an attribute's name is cut."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Children one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(str(child)) for child in children))


def origin(number: Number) -> dict[str, str]:
    """Attributes that tell where a number comes from."""
    return {"data_value": repr(number.value), "data_from": " ".join(number.origins), "data_rule": number.rule}


def number_markup(number: Number, *, with_unit: bool = True) -> Markup:
    """A number for the running text, with its unit."""
    shown = tag("data", digits(number.value), value=repr(number.value), data_from=" ".join(number.origins),
                data_rule=number.rule)  # fmt: skip
    unit = unit_words(number.unit)
    return join(shown, "" if unit in _CLOSE else "\u202f", unit) if with_unit and unit else shown


def unit_words(unit: str) -> str:
    """A unit as people write it."""
    return {"x": "×", "image/s": "images/s", "step": "steps", "loss": "", "1": ""}.get(unit, unit)


def text_markup(text: Text) -> Markup:
    """Words from a file of results."""
    return tag("span", text.words, class_="quoted", data_text=text.origin)


def text_width(words: str) -> float:
    """Roughly, in units of the picture."""
    return _CHARACTER * len(words)


def figure(title: str, description: str, height: float, *children: object) -> Markup:
    """A picture that screen readers are told about."""
    drawn = tag(
        "svg", tag("title", title), tag("desc", description), *children,
        viewBox=f"0 0 {WIDTH} {height:.0f}", role="img", preserveAspectRatio="xMidYMid meet",
    )  # fmt: skip
    return tag("div", drawn, class_="chart", tabindex="0")


def marker(series: int, x: float, y: float, label: str, number: Number, *, hollow: bool = False) -> Markup:
    """A mark whose shape and colour are its series' own, with the value to be seen on hovering."""
    said = tag("title", f"{label}: {digits(number.value)} {unit_words(number.unit)}")
    return tag("g", said, shape_markup(series, x, y), class_=f"mark s{series % SERIES}{' hollow' if hollow else ''}",
               **origin(number))  # fmt: skip


def shape_markup(series: int, x: float, y: float) -> Markup:
    """The shape of a series, so that colours need not tell series apart."""
    corners = _SHAPES[(series + series // SERIES) % SERIES]  # a colour that comes again brings another shape
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return tag("polygon", points=points) if corners else tag("circle", cx=x, cy=y, r=4.5)


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


SERIES = 6
_SQUARE = ((-4, -4), (4, -4), (4, 4), (-4, 4))
_DIAMOND = ((0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0))
_TRIANGLE = ((0, -5), (5, 4), (-5, 4))
_DOWN = ((0, 5), (5, -4), (-5, -4))
_BAR = ((-5.5, -2.5), (5.5, -2.5), (5.5, 2.5), (-5.5, 2.5))
_SHAPES: tuple[tuple[tuple[float, float], ...], ...] = ((), _SQUARE, _DIAMOND, _TRIANGLE, _DOWN, _BAR)
