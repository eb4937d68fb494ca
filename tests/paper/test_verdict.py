"""Checks, verdicts, and what is said about them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.paper.verdict import FAILS, HOLDS, Check, judge, reason_of

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS)
def test_a_check_and_its_opposite_never_both_hold(measured: float, bound: float) -> None:
    below, above = Check("x", measured, "<", bound), Check("x", measured, ">", bound)
    assert not (below.holds and above.holds)
    assert (below.holds or above.holds) == (measured != bound)


@pytest.mark.parametrize("relation", ["<", ">"])
def test_what_is_not_a_number_never_holds(relation: str) -> None:
    assert not Check("x", math.nan, relation, 1.0).holds  # type: ignore[arg-type]
    assert not Check("x", 1.0, relation, math.nan).holds  # type: ignore[arg-type]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6))
def test_a_claim_holds_when_all_its_checks_do(pairs: list[tuple[float, float]]) -> None:
    checks = [Check("x", a, "<", b) for a, b in pairs]
    assert judge(checks) == (HOLDS if all(a < b for a, b in pairs) else FAILS)


def test_a_claim_must_rest_on_something() -> None:
    with pytest.raises(ValueError, match="without a check"):
        judge([])


def test_the_reason_names_what_failed_and_by_how_much() -> None:
    good = Check("loss of faces", 1.0, "<", 2.0)
    bad = Check("loss of cars", 5.0, "<", 2.0, "that of faces", "x")
    assert reason_of([good]) == "the one check"
    assert reason_of([good, good]) == "all 2 checks"
    assert reason_of([good, bad]) == "loss of cars: 5x, not below 2x that of faces"
    assert reason_of([bad, good, bad, bad]).endswith("; 2 more of 4 checks fail")
    assert reason_of([Check("share", math.nan, ">", 0.5)]) == "share: not a number"
