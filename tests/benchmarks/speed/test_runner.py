"""Suites in a row: everything measured is kept, whatever happens."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.speed import suites
from benchmarks.speed.bench import Bench, one_line, skipping
from benchmarks.speed.contender import _live
from benchmarks.speed.runner import added, produce, run_suites
from benchmarks.speed.schema import Item, Progress, Results, Row, Skip
from i2s_trt.errors import UsageError
from tests.benchmarks.sample import environment, results, step_case, suite

SMALL = Bench(models=("random-16",), quick=True)


class Keeper:
    """Remembers every state that was kept, and what was reported."""

    def __init__(self) -> None:
        self.states: list[Results] = []
        self.reported: list[tuple[str, Item | Progress]] = []

    def keep(self, state: Results) -> None:
        self.states.append(state)

    def report(self, name: str, item: Item | Progress) -> None:
        self.reported.append((name, item))


def run(names: list[str], bench: Bench, keeper: Keeper, should_stop: Callable[[], bool] = lambda: False) -> Results:
    return run_suites(names, bench, Results(environment()), keeper.keep, keeper.report, should_stop)


def test_a_suite_is_kept_after_each_of_its_measurements() -> None:
    keeper = Keeper()
    final = run(["machine"], SMALL, keeper)
    machine = final.suites["machine"]
    assert keeper.states[-1] == final
    assert (machine.status, machine.quick) == ("complete", True)
    variants = ["copy", "product", "convolution", "product", "convolution"]
    assert [row.case.variant for row in machine.rows[:5]] == variants
    sizes = [len(state.suites["machine"].rows) for state in keeper.states]
    assert sizes[:-1] == list(range(1, len(machine.rows) + 1))
    assert all(state.suites["machine"].status == "interrupted" for state in keeper.states[:-1])
    assert {name for name, _ in keeper.reported} == {"machine"}
    assert any(isinstance(item, Progress) for _, item in keeper.reported)


def test_stopping_keeps_what_is_there_and_begins_nothing_more() -> None:
    keeper = Keeper()
    final = run(["machine", "step"], SMALL, keeper, lambda: len(keeper.states) >= 2)
    assert set(final.suites) == {"machine"}
    assert final.suites["machine"].status == "interrupted"
    assert len(final.suites["machine"].rows) == 2


def test_a_deadline_that_has_passed_is_recorded() -> None:
    keeper = Keeper()
    final = run(["machine"], replace(SMALL, deadline=time.monotonic() - 60), keeper)
    assert final.suites["machine"].status == "out of time"
    assert final.suites["machine"].rows == ()


def test_a_suite_that_breaks_is_recorded_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(suites.SHARES, "broken", 1.0)
    keeper = Keeper()
    final = run(["broken", "machine"], SMALL, keeper)
    broken = final.suites["broken"]
    assert broken.status == "failed"
    assert broken.skipped[0].what == "the rest of broken"
    assert "ModuleNotFoundError" in broken.skipped[0].reason
    assert final.suites["machine"].status == "complete"


@pytest.mark.parametrize("name", suites.SHARES)
def test_unknown_models_are_recorded_by_every_suite_that_needs_one(name: str) -> None:
    if name == "scaling":
        pytest.skip("brings its own models")
    skips = [item for item in produce(name, replace(SMALL, models=("no-such-model",))) if isinstance(item, Skip)]
    assert any("no-such-model" in skip.reason for skip in skips)


def test_every_kind_of_item_is_added_to_its_place() -> None:
    sample = results().suites
    row, ratio, curve = sample["step"].rows[0], sample["step"].ratios[0], sample["embed"].curves[0]
    made = suite()
    for item in (row, ratio, curve, Skip("a", "b"), row):
        made = added(made, item)
    assert (made.rows, made.ratios, made.curves) == ((row, row), (ratio,), (curve,))
    assert made.skipped == (Skip("a", "b"),)


def test_skipping_records_user_errors_and_lets_defects_through() -> None:
    skipped: list[Skip] = []
    with skipping("this", skipped):
        raise UsageError("wrong", "right it")
    assert skipped == [Skip("this", "wrong; right it")]
    with pytest.raises(ZeroDivisionError), skipping("that", skipped):
        _ = 1 / 0
    assert one_line(UsageError("alone")) == "alone"


def test_a_bench_counts_down_and_never_extends_its_deadline() -> None:
    bench = Bench(deadline=time.monotonic() + 100)
    assert 99 < bench.left() <= 100
    assert bench.until(10).left() <= 10
    assert bench.until(1e6).deadline == bench.deadline
    assert (bench.rounds(5), replace(bench, quick=True).rounds(5)) == (5, 2)


def test_a_share_is_large_enough_or_nothing() -> None:
    bench = replace(Bench(), deadline=time.monotonic() + 100)
    shares = [round(part.left()) for _, part in bench.shared({"a": 1, "b": 1, "c": 8}, least=40)]
    assert shares[:2] == [40, 40]  # nobody has used any of it yet
    assert shares[2] == 100
    given = [max(0, round(part.left())) for _, part in bench.until(30).shared({"a": 1, "b": 3}, least=40)]
    assert given == [0, 0]


def test_the_gpu_that_is_measured_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr("torch.cuda.set_device", taken.append)
    for device in ("cuda:1", "cuda", "cpu"):
        produce("machine", replace(SMALL, device=device))
        with pytest.raises(ZeroDivisionError):
            next(_live(divmod, (1, 0), device, on_host=True))
    assert taken == ["cuda:1", "cuda:1"]


def test_rows_carry_the_case_they_were_measured_for() -> None:
    row = Row(step_case("plain", "fp32"), {})
    assert row.case.batch == 1
    assert row.other_load == 0
