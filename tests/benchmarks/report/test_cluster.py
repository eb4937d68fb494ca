"""The report's section on a cluster."""

from dataclasses import replace

from benchmarks.report.make import make_report
from benchmarks.report.markdown import to_markdown as markdown
from benchmarks.report.source import Source
from benchmarks.speed.schema import Case, Figure, Row
from tests.benchmarks.sample import results, suite


def row(variant: str, rate: float, speed_up: float, efficiency: float, *notes: str) -> Row:
    figures = {"rate": Figure(rate, "image/s"), "speed-up": Figure(speed_up, "x")}
    return Row(Case(variant, "demo", 128), figures | {"efficiency": Figure(efficiency, "%")}, notes=notes)


def test_measured_and_simulated_workers_and_what_would_hold_them_up() -> None:
    costs = {"worker": 34.1, "send": 0.372, "place": 0.0264, "commit": 4.4}
    rows = (
        row("2 workers", 57.0, 1.9, 95.0),
        Row(Case("a picture, by its parts", "demo", 128), {name: Figure(ms, "ms") for name, ms in costs.items()}),
        row("64 workers, simulated", 1851.0, 63.2, 98.7, "100 workers would wait for handing out"),
    )
    measured = results()
    measured = replace(measured, suites={**measured.suites, "cluster": suite(rows=rows)})
    text = markdown(make_report([Source("here", measured)]))
    _, _, section = text.partition("## On a cluster")
    assert "| 2 workers | demo | 57 | 1.90 × | 95 % |" in section
    assert "| demo | 34.1 ms | 0.372 ms | 0.0264 ms | 4.40 ms |" in section
    assert "| demo | 100 workers would wait for handing out |" in section
    assert "## On a cluster" not in markdown(make_report([Source("here", results())]))
