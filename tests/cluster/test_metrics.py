"""A run's numbers, read back from where Prometheus and Ray's dashboard read them."""

import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.faults import known_nodes
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.metrics import DONE, LOST, RATE, RETRIED
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


def test_what_is_done_retried_and_lost_is_counted(machine: Any, tmp_path: Path) -> None:
    tasks = [Task(f"t{i:02}", None) for i in range(40)]
    tasks[3], tasks[30] = Task("t03", ("fail", str(tmp_path / "a"))), Task("t30", ("die", str(tmp_path / "b")))
    with joined(cluster_options(machine.address)) as cluster:
        outcomes = list(Dispatcher(cluster, PLAN, None, None, lambda _event: None).run(Tasks(tasks)))
        found = wait_for(lambda: (seen := exported())[LOST] >= 3 and seen)
    assert len(outcomes) == 40
    assert found, "within a minute"
    assert (found[DONE], found[RETRIED], found[LOST]) == (40, 2, 3)
    assert RATE in found
