"""Of the snapshots that several workers have left, the one of most steps is gone on from, whatever the clocks say."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.snapshot import Snapshot, save_snapshot, snapshot_step
from i2s_trt.embedding.run.workers import clear_workers
from i2s_trt.embedding.steps.state import EmbedState

KEY = RunKey("model", "image", {"steps": 100}, "features")
NAME = ".photo [1].snapshot"  # of a photograph, and no pattern


def snapshot(folder: Path, step: int, age: float = 0.0, key: RunKey = KEY) -> Path:
    """Write one that was saved so long ago by the clock of its machine."""
    folder.mkdir(parents=True, exist_ok=True)
    state = EmbedState.start(torch.zeros(1, 2, 3), EmbedOptions(steps=2))
    save_snapshot(folder / NAME, key, Snapshot(replace(state, step=torch.tensor([step])), 1.0))
    now = (folder / NAME).stat().st_mtime
    os.utime(folder / NAME, (now - age, now - age))
    return folder / NAME


@pytest.fixture
def results(tmp_path: Path) -> ResultsFolder:
    return ResultsFolder(tmp_path / "out", "shared")


def test_the_furthest_is_taken_and_not_the_latest(results: ResultsFolder) -> None:
    assert results.partial
    assert results.furthest(NAME) is None
    furthest = snapshot(results.partial / "a", 70, age=100.0)
    snapshot(results.partial / "b", 30)
    (results.partial / "c").mkdir()
    (results.partial / "c" / NAME).write_bytes(b"damaged")
    assert results.furthest(NAME) == furthest.read_bytes()
    clear_workers(results.folder)
    assert snapshot_step(results.folder / NAME) == 70


def test_what_workers_were_given_of_another_run_counts_for_nothing(results: ResultsFolder) -> None:
    assert results.partial
    other = replace(KEY, features="others")
    before = snapshot(results.folder, 90, key=other).read_bytes()
    (results.partial / "a").mkdir(parents=True)
    (results.partial / "a" / NAME).write_bytes(before)
    assert results.furthest(NAME, before) is None
    begun = snapshot(results.partial / "b", 10)
    assert results.furthest(NAME, before) == begun.read_bytes()
    clear_workers(results.folder)
    assert snapshot_step(results.folder / NAME) == 10
