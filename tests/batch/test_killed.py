"""A batch killed at twenty random moments and resumed each time: the same outputs as never having been killed."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from export.library import export_graph
from export.source import GraphSource
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.batch import child
from tests.batch.support import leftovers, pictures, prepare

OUTPUTS = 200
KILLS = 20
Commit = dict[str, Any]


@pytest.fixture
def graph(toy: Generator, vgg: Vgg16, module_home: Path) -> Path:
    """The exported synthesis network of the 16x16 generator."""
    return export_graph(GraphSource(lambda: toy, lambda: vgg, model_digest=toy.digest), "synthesis").path


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Starts processes from one that has loaded everything and no torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.batch.child"])
    return context


def commits(folder: Path) -> list[Commit]:
    """What the journal of a batch says, without its header and without a line that is not finished."""
    journal = folder / "journal.ndjson"
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line[9:]) for line in lines[1:] if line.endswith(b"\n")]


def started(processes: ForkServerContext, *arguments: Path) -> multiprocessing.process.BaseProcess:
    process = processes.Process(target=child.run, args=arguments)
    process.start()
    return process


def kill_after(process: multiprocessing.process.BaseProcess, folder: Path, wanted: int, delay: float) -> None:
    """Kill a batch a moment after it has committed so many outputs."""
    deadline = time.monotonic() + 60
    while process.is_alive() and len(commits(folder)) < wanted and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(delay)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "it was over before it was killed"


def test_twenty_kills_change_nothing(graph: Path, processes: ForkServerContext, tmp_path: Path) -> None:
    prepare(tmp_path / "in", OUTPUTS // 5)
    unbroken, broken, log = tmp_path / "unbroken", tmp_path / "broken", tmp_path / "rendered"
    whole = started(processes, graph, tmp_path / "in", unbroken, tmp_path / "whole")
    chance = random.Random(5)
    for number in range(KILLS):
        before = len(commits(broken))
        some = chance.randrange(1 + (OUTPUTS - before) // (2 * (KILLS - number)))  # enough is left for the next ones
        kill_after(
            started(processes, graph, tmp_path / "in", broken, log), broken, before + some, chance.uniform(0, 0.02)
        )
        for commit in commits(broken):
            assert (broken / commit["output"]).stat().st_size == commit["size"]
    last = started(processes, graph, tmp_path / "in", broken, log)
    for process in (whole, last):
        process.join(120)
        assert process.exitcode == 0
    assert len(pictures(broken)) == OUTPUTS
    assert pictures(broken) == pictures(unbroken)
    assert leftovers(broken) == []
    times = Counter(commit["output"] for commit in commits(broken))
    assert (len(times), set(times.values())) == (OUTPUTS, {1}), "something committed was rendered again"
    assert OUTPUTS <= log.stat().st_size <= OUTPUTS + KILLS * child.IN_FLIGHT
    assert (broken / "manifest.json").read_bytes() == (unbroken / "manifest.json").read_bytes()
