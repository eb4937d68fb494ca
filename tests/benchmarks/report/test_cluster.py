"""The report's section on a cluster."""

from dataclasses import replace

from benchmarks.report.html import to_html
from benchmarks.report.make import make_report
from benchmarks.report.markdown import to_markdown as markdown
from benchmarks.report.source import Source
from benchmarks.speed.schema import Case, Figure, Row
from tests.benchmarks.sample import results, suite


def row(variant: str, rate: float, speed_up: float, efficiency: float, *notes: str, **busy: float) -> Row:
    figures = {"workers": Figure(float(variant.split(maxsplit=1)[0]), "worker"), "rate": Figure(rate, "image/s")}
    figures |= {"speed-up": Figure(speed_up, "x"), "efficiency": Figure(efficiency, "%")}
    figures |= {f"busy {stage}".replace("_", " "): Figure(part, "%") for stage, part in busy.items()}
    return Row(Case(variant, "demo", 128), figures, notes=notes)


def busy(workers: int) -> dict[str, float]:
    stages = {"workers": 99.0, "handing_out": 0.75 * workers, "placing": 0.01 * workers, "the_journal": 0.2 * workers}
    return {**stages, "the_shared_disk": 0.3 * workers, "the_network": 0.0}


def test_measured_and_simulated_workers_and_what_would_hold_them_up() -> None:
    costs = {"worker": 34.1, "send": 0.372, "disk": 0.5, "network": 0.1, "place": 0.0264, "commit": 4.4}
    rows = (
        row("1 worker", 30.0, 1.0, 100.0),
        row("2 workers", 57.0, 1.9, 95.0),
        Row(Case("a picture, by its parts", "demo", 128), {name: Figure(ms, "ms") for name, ms in costs.items()}),
        row("2 workers, simulated", 60.0, 2.0, 100.0, **busy(2)),
        row("64 workers, simulated", 1851.0, 63.2, 98.7, "100 workers would wait for handing out", **busy(64)),
        row(
            "64 workers, simulated with --outputs driver",
            900.0,
            30.0,
            47.0,
            "31 workers would wait for the network",
            **{**busy(64), "the_shared_disk": 0.0, "the_network": 100.0},
        ),
        row(
            "64 workers, simulated, rendering with one A1 each",
            400.0,
            3.0,
            4.69,
            "3 workers would wait for it",
            "by a.json",
            **busy(64),
        ),
    )
    measured = results()
    measured = replace(measured, suites={**measured.suites, "cluster": suite(rows=rows)})
    report = make_report([Source("here", measured)])
    text, page = markdown(report), to_html(report)
    _, _, section = text.partition("## On a cluster")
    assert "| 2 workers | demo | 57 | 1.90 × | 95 % |" in section
    assert "| demo | 34.1 ms | 0.372 ms | 0.5 ms | 0.1 ms | 0.0264 ms | – | 4.40 ms |" in section
    assert "| demo | simulated | 100 workers would wait for handing out | – |" in section
    assert "| demo | simulated, sent to the driver | 31 workers would wait for the network | – |" in section
    assert "| demo | simulated, rendering with one A1 each | 3 workers would wait for it | by a.json |" in section
    heads = ("measured", "simulated", "simulated, sent to the driver", "simulated, rendering with one A1 each")
    assert f"| workers | {' | '.join(f'demo {head}' for head in heads)} |" in section
    assert "| 2 | 1.90 × | 2 × | – | – |" in section
    assert "| 64 | – | 98.7 % | 47 % | 4.69 % |" in section
    assert "| 64 | 99 % | 48 % | 19.2 % | 0.64 % | 12.8 % |" in section
    assert "| 64 | 99 % | 48 % | 100 % | 0.64 % | 12.8 % |" in section
    for title in ("Speed-up against workers", "Efficiency against workers", "How busy each part is with demo"):
        assert f'<figcaption>{title}</figcaption><div class="chart"' in page
    assert "## On a cluster" not in markdown(make_report([Source("here", results())]))
