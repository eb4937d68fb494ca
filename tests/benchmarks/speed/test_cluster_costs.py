"""The simulation of a cluster, against cases that can be computed by hand, and what it is fed with."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed.cluster_costs import STAGES, Costs, measure_disk, measure_folder, saturation, simulate

FREE = Costs(worker=0.1, send=1e-9, place=1e-9, commit=1e-9)


@pytest.mark.parametrize("workers", [1, 3, 64])
def test_where_nothing_else_costs_anything_workers_are_all_that_counts(workers: int) -> None:
    found = simulate(FREE, workers, 640 * workers)
    assert found.rate == pytest.approx(workers / 0.1, rel=0.01)
    assert found.limit == "workers"
    assert saturation(FREE, 200) == 0


@pytest.mark.parametrize(
    ("part", "seconds", "limit", "rate"),
    [
        ("send", 0.01, "handing out", 100.0),
        ("place", 0.08, "placing", 100.0),  # by eight threads
        ("commit", 0.64, "the journal", 100.0),  # 64 at a time
        ("disk", 0.01, "the shared disk", 100.0),
        ("network", 0.01, "the network", 100.0),
    ],
)
def test_the_slowest_part_is_named_and_sets_the_rate(part: str, seconds: float, limit: str, rate: float) -> None:
    costs = replace(FREE, **{part: seconds})
    found = simulate(costs, 50, 6400)
    assert found.limit == limit
    assert found.rate == pytest.approx(rate, rel=0.05)
    assert 9 <= saturation(costs, 200) <= 14


def test_placing_and_committing_take_some_time(tmp_path: Path) -> None:
    place, commit = measure_folder(tmp_path / "out", 70, 100)
    assert 0 < place < 1
    assert 0 < commit < 10
    assert len(list((tmp_path / "out").glob("*.png"))) == 70
    assert 0 < measure_disk(tmp_path / "disk", 20, 100) < 1


def test_of_disk_and_network_the_slower_one_counts() -> None:
    found = simulate(replace(FREE, disk=0.01, network=0.02), 50, 6400)
    assert tuple(found.busy) == STAGES
    assert found.rate == pytest.approx(50.0, rel=0.05)
    assert found.busy["the shared disk"] == pytest.approx(0.5, rel=0.05)
