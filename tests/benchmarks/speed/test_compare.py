"""Contenders in processes of their own: turns, failures, time that runs out, ratios."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.speed.bench import Bench
from benchmarks.speed.compare import Terms, compare
from benchmarks.speed.contender import Contender, Prepared, Turn
from benchmarks.speed.schema import Case, Item, Progress, Ratio, Row, Skip
from i2s_trt.errors import UsageError
from i2s_trt.process import Crash

TERMS = Terms(seconds=0.0, least=3, most=3, against=("slow",))


def make_sleeper(milliseconds: float) -> Callable[[], None]:
    return lambda: time.sleep(milliseconds / 1e3)


def make_writer(path: str, letter: str) -> Callable[[], None]:
    def work() -> None:
        with Path(path).open("a") as stream:
            stream.write(letter)
        time.sleep(0.25)

    return work


def make_fault(kind: str) -> Callable[[], None]:
    if kind == "usage":
        raise UsageError("it cannot be built", "build another")
    if kind == "compiler":
        raise RuntimeError("the compiler\n gave up")

    def work() -> None:
        raise MemoryError("in the first call")

    return work


def make_late_fault() -> Callable[[], None]:
    calls = []

    def work() -> None:
        calls.append(1)
        if len(calls) > 5:
            raise UsageError("worn out", "rest")
        time.sleep(0.21)

    return work


def contender(variant: str, make: Callable[..., Callable[[], None]], *arguments: object, batch: int = 1) -> Contender:
    return Contender(Case(variant, "demo", 128, batch), make, arguments, "cpu", on_host=True)


def items(bench: Bench, *contenders: Contender, terms: Terms = TERMS) -> list[Item]:
    return [item for item in compare(bench, contenders, terms) if not isinstance(item, Progress)]


def test_rows_and_ratios_of_all() -> None:
    found = items(Bench(), contender("slow", make_sleeper, 30.0), contender("fast", make_sleeper, 3.0, batch=4))
    slow, fast, ratio = found
    assert isinstance(slow, Row)
    assert isinstance(fast, Row)
    assert isinstance(ratio, Ratio)
    assert (slow.case.variant, fast.case.variant) == ("slow", "fast")
    assert (ratio.slower, ratio.faster) == (slow.case, fast.case)
    assert slow.figures["time"].value >= 30
    assert fast.figures["time"].value >= 3
    assert set(slow.figures) == {"time", "rate", "first", "peak_memory", "peak_per_image"}
    assert fast.figures["rate"].value == pytest.approx(4e3 / fast.figures["time"].value, rel=0.2)
    assert fast.figures["peak_per_image"].value == pytest.approx(fast.figures["peak_memory"].value / 4)
    assert ratio.figure.samples == 3


def test_turns_alternate_and_reverse(tmp_path: Path) -> None:
    path = str(tmp_path / "calls")
    items(Bench(), contender("slow", make_writer, path, "a"), contender("b", make_writer, path, "b"))
    calls = (tmp_path / "calls").read_text()
    assert calls == "aaa" + "bbb" + "ab" + "ba" + "ab"  # each is prepared by three calls


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("usage", "it cannot be built; build another"), ("compiler", "RuntimeError: the compiler gave up"),
     ("call", "MemoryError: in the first call")],
)  # fmt: skip
def test_one_that_fails_is_left_out_with_its_reason(kind: str, reason: str) -> None:
    skip, row = items(Bench(), contender("broken", make_fault, kind), contender("fine", make_sleeper, 1.0))
    assert isinstance(skip, Skip)
    assert skip.what == "broken fp32, demo, batch of 1"
    assert reason in skip.reason
    assert isinstance(row, Row)


def test_one_that_fails_later_takes_no_figures_along() -> None:
    skip, row = items(Bench(), contender("late", make_late_fault), contender("fine", make_sleeper, 1.0))
    assert isinstance(skip, Skip)
    assert "worn out" in skip.reason
    assert isinstance(row, Row)
    assert row.case.variant == "fine"


def test_the_slowest_is_left_out_when_the_rounds_would_not_fit() -> None:
    bench = Bench(deadline=time.monotonic() + 60)
    terms = Terms(seconds=0.0, least=600, most=1)
    skip, row = items(bench, contender("slow", make_sleeper, 300.0), contender("fine", make_sleeper, 1.0), terms=terms)
    assert isinstance(skip, Skip)
    assert skip.what.startswith("slow")
    assert "left of the time budget" in skip.reason
    assert isinstance(row, Row)


def test_nothing_is_begun_without_time() -> None:
    late = Bench(deadline=time.monotonic() - 1)
    (skip,) = items(late, contender("slow", make_sleeper, 1.0), contender("b", make_sleeper, 1.0))
    assert isinstance(skip, Skip)
    assert skip.what == "slow fp32, demo, batch of 1, b fp32, demo, batch of 1"
    assert "spent" in skip.reason


def test_one_that_is_never_ready_is_stopped_at_the_deadline() -> None:
    bench = Bench(deadline=time.monotonic() + 8)
    terms = Terms(seconds=0.0, least=1, most=1)
    skip, row = items(bench, contender("slow", make_sleeper, 1e6), contender("fine", make_sleeper, 1.0), terms=terms)
    assert isinstance(skip, Skip)
    assert "not ready" in skip.reason
    assert isinstance(row, Row)


def test_percentiles_are_given_where_they_are_wanted() -> None:
    (row,) = items(Bench(), contender("fast", make_sleeper, 1.0), terms=Terms(0.0, least=6, most=6, latency=True))
    assert isinstance(row, Row)
    assert {"p50", "p90", "p99"} <= set(row.figures)
    assert row.figures["p50"].value <= row.figures["p90"].value <= row.figures["p99"].value


def test_a_contender_is_prepared_and_then_has_turns() -> None:
    child = contender("fast", make_sleeper, 2.0).start()
    prepared, turn = child.ask(), child.ask()
    child.close()
    assert isinstance(prepared, Prepared)
    assert prepared.each >= 2
    assert isinstance(turn, Turn)
    assert 1 <= len(turn.samples) <= 20
    assert turn.peak > 1
    assert turn.other_load >= 0


def test_a_contender_that_cannot_be_sent_to_its_process_is_a_defect_that_shows() -> None:
    with pytest.raises((AttributeError, TypeError, Crash)):
        contender("local", lambda: make_sleeper(1.0)).start().ask()
