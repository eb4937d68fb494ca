"""What is said about a cluster, word by word."""

from typing import Any

import pytest

from cli.cluster_report import ClusterReport
from cli.console import Console
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import Cluster

WORKER = {"worker": 2, "node": "machine1"}


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (Cluster(1, 1, 1.0, 0.0), "cluster:  1 machine, 1 worker with 1 core"),
        (Cluster(2, 4, 2.0, 0.5), "cluster:  2 machines, 4 workers with 2 cores and 0.5 GPUs each"),
        (Cluster(3, 3, 0.0, 1.0), "cluster:  3 machines, 3 workers with 1 GPU each"),
        (Cluster(3, 3, 0.0, 0.0), "cluster:  3 machines, 3 workers"),
    ],
)
def test_what_there_is(cluster: Cluster, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    ClusterReport(Console()).joined(cluster)
    assert capsys.readouterr().out == f"{said}\n"


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("grown", {"nodes": 3, "workers": 5}, "cluster:  3 machines now, and 5 workers"),
        ("worker", {**WORKER, "device": "cpu", "engine": "torch in fp32", "threads": 1},
         "worker 2: ready on machine1, torch in fp32 on cpu with 1 thread"),
        ("worker", {**WORKER, "device": "cuda", "engine": "tensorrt in fp16", "threads": 0},
         "worker 2: ready on machine1, tensorrt in fp16 on cuda"),
        ("left", {**WORKER, "tasks": 4},
         "note: worker 2 on machine1 has not brought 4 pictures in time; made again when you go on"),
        ("lost", {**WORKER, "removed": False, "reason": "Worker exits with code 9"},
         "note: worker 2 on machine1 has ended (Worker exits with code 9); its work is done again"),
        ("lost", {**WORKER, "node": "", "removed": True, "reason": "The node was removed"},
         "note: worker 2 on some machine has ended (its machine is gone); its work is done again"),
        ("given_up", {**WORKER, "reason": "the GPU is gone"},
         "note: worker 2 on machine1 is given up: the GPU is gone"),
        ("retry", {"name": "face.png", "node": "machine1", "reason": "the GPU is gone"},
         "note: face.png failed on machine1 (the GPU is gone); it is tried once more"),
        ("smaller", {**WORKER, "batch": 4},
         "note: worker 2 on machine1 takes 4 at a time from now on: it had too little memory, or the one before it "
         "ended with more in hand"),
    ],
)  # fmt: skip
def test_what_happens(kind: str, data: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    ClusterReport(Console())(ClusterEvent(kind, data))
    printed = capsys.readouterr()
    assert printed.out + printed.err == f"{said}\n"
    ClusterReport(Console(as_json=True))(ClusterEvent(kind, data))
    assert f'"event": "{kind}"' in capsys.readouterr().out
