"""Digits, rules and places of the report's numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report.numbers import PAPER_NUMBERS, RULES, Number, derived, digits
from benchmarks.report.source import Source
from tests.benchmarks.sample import results

SOURCE = Source("sample", results(), 3)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2251.4, "2,251"), (84, "84"), (513.24, "513"), (27.16, "27.2"), (3.14159, "3.14"), (0.04213, "0.0421"), (0, "0"),
     (1e6, "1,000,000"), (0.999, "0.999"), (1.0, "1"), (9.999, "10.00"), (1e-6, "1.00e-06"), (-2.5, "-2.50"),
     (99.96, "100.0")],
)  # fmt: skip
def test_three_significant_digits(value: float, shown: str) -> None:
    assert digits(value) == shown


@given(st.floats(1e-4, 1e9))
def test_what_is_shown_is_near_what_is_meant(value: float) -> None:
    assert float(digits(value).replace(",", "")) == pytest.approx(value, rel=5.1e-3)


def test_rules_do_what_their_names_say() -> None:
    a, b = Number(250.0, "ms", ("a",)), Number(5000, "steps", ("b",))
    assert derived("seconds of so many steps", a, b) == Number(1250.0, "s", ("a", "b"), "seconds of so many steps")
    assert derived("times", b, a).value == 20.0
    assert derived("per image", a, Number(4, "", ("c",)), unit="ms") == Number(62.5, "ms", ("a", "c"), "per image")
    assert derived("gigabytes", Number(1000, "MiB", ("m",))).value == pytest.approx(1.048576)
    assert derived("part", Number(9, "", ("p",)), Number(10, "", ("w",))).value == pytest.approx(90)
    assert derived("microseconds", Number(0.5, "ms", ("t",))).value == 500
    assert derived("mean", Number(1, "dB", ("p",)), Number(2, "dB", ("w",)), unit="dB").value == 1.5
    assert set(RULES) == {
        "seconds of so many steps", "times", "per image", "gigabytes", "mean", "part", "microseconds"
    }  # fmt: skip


def test_the_papers_numbers_agree_with_each_other() -> None:
    steps, seconds, step = (PAPER_NUMBERS[name].value for name in ("steps", "seconds", "step"))
    assert steps * step / 1e3 == seconds


def test_rows_know_their_place_in_the_file() -> None:
    second = SOURCE.entries("step", "time")[1]
    assert second.number("time").origins == ("3:suites.step.rows[1].figures.time.value",)
    assert second.batch().origins == ("3:suites.step.rows[1].case.batch",)
    spread = second.measured("time").spread
    assert spread is not None
    assert [end.origins[0][-4:] for end in spread] == [".low", "high"]
    assert SOURCE.ratios("step")[1].measured().number.origins == ("3:suites.step.ratios[1].figure.value",)
    x, y = next(iter(SOURCE.curves("embed")[0].points("s", "loss")))
    assert (x.origins, y.origins) == (
        ("3:suites.embed.curves[0].points[0][0]",), ("3:suites.embed.curves[0].points[0][2]",)
    )  # fmt: skip


def test_suites_that_were_not_run_are_empty() -> None:
    empty = Source("empty", results().__class__(results().environment))
    assert empty.entries("step") == []
    assert empty.ratios("step") == []
    assert empty.curves("embed") == []
    assert empty.skipped("step") == ()
