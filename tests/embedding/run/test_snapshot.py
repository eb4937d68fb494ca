"""How often a run is saved: often enough to lose little, seldom enough to cost little."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from i2s_trt.embedding.embed import EmbedProgress
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run import snapshot
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.snapshot import SnapshotKeeper, load_snapshot
from i2s_trt.embedding.steps.state import EmbedState

KEY = RunKey("model", "image", {"steps": 10_000}, "features")
STEP = 0.02  # seconds
Run = Callable[[float, float], list[float]]


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """When snapshots of a run of a hundred seconds begin, by what a snapshot costs and the time between."""

    def run(cost: float, between: float) -> list[float]:
        now, begun = 0.0, []

        def save(path: Path, key: RunKey, _snapshot: object) -> None:
            nonlocal now
            assert (path, key) == (tmp_path / "x", KEY)
            begun.append(now)
            now += cost

        with monkeypatch.context() as patch:
            patch.setattr(snapshot, "save_snapshot", save)
            patch.setattr("time.monotonic", lambda: now)
            keeper = SnapshotKeeper([(tmp_path / "x", KEY)], [0.0], between)
            state = EmbedState.start(torch.zeros(1, 2, 3), EmbedOptions(steps=2))
            while now < 100:
                now += STEP
                keeper.offer(EmbedProgress((1,), 2, (0.0,), now, state))
        return begun

    return run


def test_a_run_that_is_killed_loses_a_second_where_snapshots_are_cheap(saved: Run) -> None:
    begun = saved(0.01, JobOptions().snapshot_seconds)
    assert begun[0] == pytest.approx(1, abs=2 * STEP)
    assert max(later - earlier for earlier, later in pairwise(begun)) < 1 + 2 * STEP


@pytest.mark.parametrize("cost", [0.001, 0.02, 0.1, 0.4])
def test_snapshots_take_a_fiftieth_of_the_time_at_most(saved: Run, cost: float) -> None:
    begun = saved(cost, JobOptions().snapshot_seconds)
    assert len(begun) >= 2
    assert cost * (len(begun) - 1) <= 100 / 50  # the first cannot know what it will cost


def test_no_time_between_means_after_every_step(saved: Run) -> None:
    assert len(saved(0.08, 0.0)) == pytest.approx(100 / (STEP + 0.08), abs=1)


def test_the_newest_state_is_the_one_that_is_kept(tmp_path: Path) -> None:
    state = EmbedState.start(torch.zeros(1, 2, 3), EmbedOptions(steps=9))
    keeper = SnapshotKeeper([(tmp_path / "x", KEY)], [5.0], 0.0)
    for step in (1, 2):
        state.step.fill_(step)
        keeper.offer(EmbedProgress((step,), 9, (0.0,), step / 10, state))
    found = load_snapshot(tmp_path / "x", KEY)
    assert found is not None
    assert (int(found.state.step), found.seconds) == (2, 5.2)
