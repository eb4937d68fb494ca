"""What a GPU takes in a simulation is what a file says that was measured on one, by name."""

import json
from dataclasses import asdict

import pytest

from benchmarks.speed.cluster_rows import SIMULATED, gpu_rows
from benchmarks.speed.gpu_rates import FILE, gpu_rates
from benchmarks.speed.schema import Case, Figure, Row

PARTS = {"worker": 1374.0, "send": 0.5, "disk": 2.4, "network": 7.3, "place": 1.5, "write": 19.0, "commit": 11.4}


def parts(model: str) -> Row:
    return Row(Case("a picture, by its parts", model, 1024), {name: Figure(ms, "ms") for name, ms in PARTS.items()})


def test_rates_are_those_of_the_file() -> None:
    suites = json.loads(FILE.read_text())["suites"]
    rendering, embedding = gpu_rates("random-1024")
    rows = [row for suite in ("edit", "synthesis") for row in suites[suite]["rows"]]
    rates = [row["figures"]["rate"]["value"] for row in rows if row["case"]["model"] == "random-1024"]
    assert rendering.seconds == pytest.approx(1 / max(rates))
    steps = [row["figures"]["rate"]["value"] for row in suites["step"]["rows"] if row["case"]["model"] == "random-1024"]
    assert embedding.seconds == pytest.approx(5000 / max(steps))
    for rate in (rendering, embedding):
        assert "NVIDIA H200" in rate.how
        assert "nvidia-h200.json, suites." in rate.note
    (of_demo,) = gpu_rates("demo")
    assert "suites.embed.rows[0].figures.time (paper bf16, batch 1)" in of_demo.note, "no step of it was measured"
    assert list(gpu_rates("another")) == []


def test_gpus_end_where_the_rest_does() -> None:
    rows = list(gpu_rows(parts("random-1024")))
    assert len(rows) == 2 * len(SIMULATED)
    rendering, embedding = rows[: len(SIMULATED)], rows[len(SIMULATED) :]
    assert rendering[-1].case.variant == "64 workers, simulated, rendering with one NVIDIA H200 each"
    assert rendering[-1].figures["rate"].value == pytest.approx(1 / 2.4e-3, rel=0.05), "the shared disk's"
    assert rendering[-1].notes[0].endswith("workers would wait for the shared disk")
    assert embedding[-1].figures["efficiency"].value > 90
    assert all("nvidia-h200.json" in row.notes[1] for row in rows)
    assert asdict(rows[0])["figures"]["workers"]["value"] == 1
