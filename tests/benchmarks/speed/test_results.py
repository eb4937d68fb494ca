"""Files of results: whole, strict, and never mixed."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed.results_file import ResultsError, json_schema, merged, read_results, with_suite, write_results
from benchmarks.speed.schema import Curve, Figure, Results
from i2s_trt.errors import EnvironmentFault, UsageError
from tests.benchmarks.sample import environment, results, step_case, suite

SCHEMA_FILE = Path(__file__).parents[3] / "benchmarks" / "results" / "schema.json"


def altered(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The sample as a file with one thing changed."""
    document = json.loads(json.dumps(asdict(results())))
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_results(tmp_path / "r.json", results())
    assert read_results(tmp_path / "r.json") == results()
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def figure_of(document: dict[str, Any]) -> dict[str, Any]:
    return document["suites"]["step"]["rows"][0]["figures"]["time"]  # type: ignore[no-any-return]


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a number in quotes": (lambda d: figure_of(d).update(value="3"), "rows[0].figures.time.value"),
    "no number": (lambda d: figure_of(d).update(value=float("nan")), "rows[0].figures.time.value"),
    "infinite": (lambda d: figure_of(d).update(high=float("inf")), "rows[0].figures.time.high"),
    "outside its quartiles": (lambda d: figure_of(d).update(value=1e9), "lies outside its quartiles"),
    "an unknown unit": (lambda d: figure_of(d).update(unit="parsec"), "rows[0].figures.time.unit"),
    "an unknown key": (lambda d: figure_of(d).update(bogus=1), "rows[0].figures.time.bogus"),
    "no samples": (lambda d: figure_of(d).update(samples=0), "rows[0].figures.time.samples"),
    "a missing key": (lambda d: d.pop("environment"), "environment"),
    "a negative load": (lambda d: d["suites"]["step"].update(load=-1), "suites.step.load"),
    "an unknown status": (lambda d: d["suites"]["step"].update(status="fine"), "suites.step.status"),
    "a ragged curve": (lambda d: d["suites"]["embed"]["curves"][0]["points"][1].pop(), "curves[0]"),
    "no batch": (lambda d: d["suites"]["step"]["rows"][0]["case"].update(batch=0), "rows[0].case.batch"),
    "rows that are none": (lambda d: d["suites"]["step"].update(rows={}), "suites.step.rows"),
    "suites that are none": (lambda d: d.update(suites=[]), "suites"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_its_place(tmp_path: Path, fault: str) -> None:
    change, place = FAULTS[fault]
    path = altered(tmp_path / "r.json", change)
    with pytest.raises(ResultsError, match=r"r\.json does not hold benchmark results") as caught:
        read_results(path)
    assert place in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("schema", [2, 99, -1])
def test_results_of_another_version_are_refused_as_such(tmp_path: Path, schema: int) -> None:
    path = altered(tmp_path / "r.json", lambda d: d.update(schema=schema))
    with pytest.raises(ResultsError) as caught:
        read_results(path)
    assert f"schema {schema} belongs to another version" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema": 1}'])
def test_what_is_no_results_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(ResultsError):
        read_results(path)


def test_many_faults_are_counted(tmp_path: Path) -> None:
    path = altered(tmp_path / "r.json", lambda d: [row.pop("case") for row in d["suites"]["step"]["rows"]])
    with pytest.raises(ResultsError, match=r"and \d+ more"):
        read_results(path)


def test_files_that_are_not_there_or_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError, match="there is no file"):
            read_results(path)
    with pytest.raises((UsageError, EnvironmentFault)):
        write_results(tmp_path, results())


@given(
    value=st.floats(allow_nan=True, allow_infinity=True, width=64),
    low=st.none() | st.floats(allow_nan=True),
    high=st.none() | st.floats(allow_nan=True),
)
def test_figures_lie_between_their_quartiles_or_are_not_made(
    value: float, low: float | None, high: float | None
) -> None:
    try:
        figure = Figure(value, "ms", 5, low, high)
    except ValueError:
        ends = (value if low is None else low, value if high is None else high)
        assert not ends[0] <= value <= ends[1]
    else:
        assert figure.low is None or figure.low <= value
        assert figure.high is None or value <= figure.high


def test_a_curve_has_as_many_numbers_a_point_as_columns() -> None:
    with pytest.raises(ValueError, match="2 numbers"):
        Curve(step_case("a", "fp32"), ("s", "loss"), ((1.0, 2.0), (3.0,)))


def test_suites_to_be_measured_again_are_dropped_and_the_others_stay() -> None:
    old = results()
    kept = merged(old, old.environment, ["step", "embed"])
    assert set(kept.suites) == set(old.suites) - {"step", "embed"}
    assert kept.environment == old.environment
    assert merged(None, old.environment, ["step"]) == Results(old.environment)


@pytest.mark.parametrize(
    "change", [{"cpu": "another"}, {"threads": 1}, {"packages": {"torch": "2.9.0"}}, {"device": "cuda"}]
)
def test_results_of_different_machines_are_never_mixed(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))) as caught:
        merged(results(), replace(environment(), **change), ["step"])
    assert "-o" in caught.value.hint


def test_a_suite_replaces_its_older_self() -> None:
    newer = with_suite(results(), "step", suite(rows=()))
    assert newer.suites["step"].rows == ()
    assert newer.suites["embed"] == results().suites["embed"]


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema()
