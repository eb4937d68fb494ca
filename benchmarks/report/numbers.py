"""Numbers that know where they come from.

Whatever the report shows is a `Number`: read from a place in a file of results, or derived from such numbers by a
named rule. Both are written beside it, so that every figure on the page can be followed back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean

PAPER = "paper"


@dataclass(frozen=True)
class Number:
    """A number to show.

    Attributes:
        value: as it is in the JSON, or as the rule makes it.
        unit: for people.
        origins: places such as `0:suites.step.rows[2].figures.time.value`, the file's index before the colon;
            `paper:...` for a number of the paper's, `literature:...` for one of another.
        rule: a key of RULES.
    """

    value: float
    unit: str
    origins: tuple[str, ...]
    rule: str = "as it is"

    def __str__(self) -> str:
        return f"{digits(self.value)} {self.unit}".strip()


@dataclass(frozen=True)
class Text:
    """Words that come from a file of results: names, versions, notes."""

    words: str
    origin: str = ""


@dataclass(frozen=True)
class Rule:
    """How a number is made of others."""

    function: Callable[..., float]
    unit: str


RULES = {
    "seconds of so many steps": Rule(lambda milliseconds, steps: milliseconds * steps / 1e3, "s"),
    "times": Rule(lambda larger, smaller: larger / smaller, "x"),
    "per image": Rule(lambda whole, images: whole / images, ""),
    "gigabytes": Rule(lambda mebibytes: mebibytes * 2**20 / 1e9, "GB"),
    "microseconds": Rule(lambda milliseconds: milliseconds * 1e3, "µs"),
    "mean": Rule(lambda *values: fmean(values), ""),
    "part": Rule(lambda part, whole: 100 * part / whole, "%"),
}
PAPER_NUMBERS = {
    "steps": Number(5000, "steps", ("paper:steps",)),
    "seconds": Number(420, "s", ("paper:seconds",)),
    "step": Number(84, "ms", ("paper:step",)),
}


def derived(rule: str, *numbers: Number, unit: str | None = None) -> Number:
    """A number made of others by one of RULES."""
    made = RULES[rule]
    origins = tuple(origin for number in numbers for origin in number.origins)
    return Number(made.function(*(number.value for number in numbers)), unit or made.unit, origins, rule)


def in_unit(number: Number, unit: str) -> Number:
    """The same number with its unit worded otherwise."""
    return replace(number, unit=unit)


def digits(value: float) -> str:
    """Three significant digits, and all those before the point: 0.0421, 3.14, 27.2, 2,251."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.{1 if size >= 10 else 2}f}"
    return f"{value:.3g}" if size >= 1e-4 else f"{value:.2e}"
