"""A run's numbers, read back from where Prometheus and Ray's dashboard read them."""

import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from i2s_trt.cluster import metrics as counting
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.faults import known_nodes
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.metrics import DONE, LOST, RATE, RETRIED, Metrics
from i2s_trt.cluster.options import cluster_options
from i2s_trt.cluster.tasks import Task
from tests.cluster.conftest import start_machines
from tests.cluster.test_dispatcher import PLAN, Tasks
from tests.cluster.test_embed import wait_for

LINE = re.compile(r"ray_(i2s_trt_\w+?)(?:_total)?\{.*?\bnode=\"(\w+)\".*\} (\S+)")


def exported() -> Counter[str]:
    """Each number of ours, of the machine of this test: what earlier runs of this process have counted stays there."""
    found: Counter[str] = Counter()
    for node in known_nodes():
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        with urllib.request.urlopen(url, timeout=5) as page:
            for name, machine, value in LINE.findall(page.read().decode()):
                found[name] += float(value) if machine == "counted0" else 0  # type: ignore[assignment]
    return found


@pytest.fixture
def machine() -> Iterator[Any]:
    """One with room for two workers, of a name of its own."""
    found = start_machines(2, name="counted")
    yield found
    found.shutdown()


@pytest.mark.slow
def test_what_is_done_retried_and_lost_is_counted(machine: Any, tmp_path: Path) -> None:
    tasks = [Task(f"t{i:02}", None) for i in range(40)]
    tasks[3], tasks[30] = Task("t03", ("fail", str(tmp_path / "a"))), Task("t30", ("die", str(tmp_path / "b")))
    with joined(cluster_options(machine.address)) as cluster:
        outcomes = list(Dispatcher(cluster, PLAN, None, None, lambda _event: None).run(Tasks(tasks)))
        found = wait_for(lambda: (seen := exported())[LOST] >= 3 and seen.get(RATE) == 0 and seen)
    assert len(outcomes) == 40
    assert found, "within a minute"
    assert (found[DONE], found[RETRIED], found[LOST]) == (40, 2, 3)


def test_the_rate_is_what_was_done_since_the_last_look_and_nothing_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[tuple[str, str], list[float]] = {}

    class Noted:
        def __init__(self, name: str, about: str, tags: tuple[str, ...]) -> None:
            self._name = name

        def set(self, value: float, tags: dict[str, str]) -> None:
            told.setdefault((self._name, tags["node"]), []).append(value)

        inc = set

    now = 100.0
    monkeypatch.setattr("ray.util.metrics.Counter", Noted)
    monkeypatch.setattr("ray.util.metrics.Gauge", Noted)
    monkeypatch.setattr(counting, "time", SimpleNamespace(monotonic=lambda: now))
    metrics = Metrics()
    for node, count in (("a", 6), ("b", 3)):
        for _ in range(count):
            metrics.count(DONE, node)
    metrics.count(LOST, "c")
    now += 0.5
    metrics.tell()
    assert told == {}, "it is told once a second"
    now += 1.0
    metrics.tell()
    assert told == {(DONE, "a"): [6], (DONE, "b"): [3], (LOST, "c"): [1], (RATE, "a"): [4.0], (RATE, "b"): [2.0]}
    metrics.count(DONE, "a")
    now += 2.0
    metrics.tell()
    metrics.tell(now=True)
    assert (told[RATE, "a"], told[RATE, "b"]) == ([4.0, 0.5, 0.0], [2.0, 0.0, 0.0])
