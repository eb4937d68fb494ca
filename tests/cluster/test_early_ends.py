"""A batch on a cluster that ends before its end keeps what was made, and goes on from there."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.batch.output_folder import OutputFolder
from i2s_trt.cluster import dispatcher, staff
from i2s_trt.cluster.dispatcher import Dispatcher
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.tasks import Feed, Outcome
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from tests.batch.support import leftovers, pictures, prepare
from tests.cluster.models import save_toy
from tests.cluster.openers import FAULTY, POISON, STUCK
from tests.cluster.test_crew import (
    RECIPE,
    RESUME,
    alone,
    commits,
    manifest,
    on_cluster,
    same,
    some_are_committed,
    spoil,
)
from tests.cluster.test_embed import wait_for
from tests.conftest import Run, command


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_toy(tmp_path_factory.mktemp("models"))


@pytest.fixture
def heard() -> Iterator[None]:
    """Programs that are started in the background are deaf to SIGINT, and their children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def finish(toy: Generator, folder: Path, count: int = 12) -> int:
    """Resume without the cluster, from latents that are all well, to what an unbroken run makes; how many were kept."""
    prepare(folder / "in", count)
    prepare(folder / "whole/in", count)
    alone(toy, folder / "whole")
    result = alone(toy, folder, RESUME)
    assert pictures(folder / "out") == pictures(folder / "whole/out")
    assert manifest(folder / "out") == manifest(folder / "whole/out")
    return result.kept


def kept(folder: Path) -> int:
    """How many are committed, and nothing else is there."""
    found = commits(folder / "out")
    assert {commit["output"] for commit in found} == set(pictures(folder / "out"))
    assert leftovers(folder / "out") in ([], ["manifest.json"])
    return len(found)


@pytest.mark.slow
def test_a_stop_hands_out_nothing_more(cluster: Cluster, model: str, toy: Generator, tmp_path: Path) -> None:
    prepare(tmp_path / "in", 60)
    result = on_cluster(cluster, model, tmp_path, should_stop=some_are_committed(tmp_path))
    assert result.interrupted
    assert 0 < result.rendered == kept(tmp_path) < 150, "all 300 waited"


def test_a_stop_waits_for_no_worker_that_hangs(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "LAST", 2.0)
    prepare(tmp_path / "in", 24)
    for face in range(4, 8):
        spoil(tmp_path, face, STUCK)
    events: list[ClusterEvent] = []
    journal = tmp_path / "out/journal.ndjson"
    stopped: list[float] = []

    def enough() -> bool:
        if (
            not stopped and journal.exists() and journal.read_bytes().count(b"\n") > 20
        ):  # so that the others are in hand
            stopped.append(time.monotonic())
        return bool(stopped)

    result = on_cluster(cluster, model, tmp_path, should_stop=enough, events=events)
    assert time.monotonic() - stopped[0] < 30
    assert result.interrupted
    assert result.rendered == kept(tmp_path) > 0
    assert sum(event.data["tasks"] for event in events if event.kind == "left") > 0
    assert finish(toy, tmp_path, 24) == result.rendered


def test_a_fault_in_mid_run_drops_nothing_that_is_made(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path
) -> None:
    prepare(tmp_path / "in", 12)
    spoil(tmp_path, 0, POISON)

    class Refuses(list[ClusterEvent]):
        def append(self, event: ClusterEvent, /) -> None:
            super().append(event)
            if [one.kind for one in self].count("retry") == 1 and event.kind == "retry":  # of the very first output
                raise EnvironmentFault("a machine is refused", "look at it")

    with pytest.raises(EnvironmentFault, match="a machine is refused"):
        on_cluster(cluster, model, tmp_path, events=Refuses())
    assert kept(tmp_path) >= 3, "that were in hand"
    of_others = [one for one in commits(tmp_path / "out") if not one["output"].startswith("face0")]
    assert finish(toy, tmp_path) == len(of_others)


def test_where_all_workers_hang_what_is_made_is_kept(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff, "SILENCE", 2.0)
    monkeypatch.setattr(staff, "_QUESTIONS", 0.2)
    prepare(tmp_path / "in", 12)
    for face in (9, 10, 11):  # the last
        spoil(tmp_path, face, STUCK)
    with pytest.raises(EnvironmentFault, match=r"all workers hang: no sign of getting on from machine0 \(1 worker\)"):
        on_cluster(cluster, model, tmp_path)
    before = kept(tmp_path)
    assert 30 < before <= 45
    assert finish(toy, tmp_path) == before


def test_a_damaged_output_takes_no_other_with_it(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt, adopted = OutputFolder.adopt, list[str]()
    run, brought = Dispatcher.run, list[str]()

    def damaged_once(outputs: OutputFolder, output: str, folder: str, sha256: str) -> None:
        adopted.append(output)
        adopt(outputs, output, folder, "0" * 64 if len(adopted) == 1 else sha256)

    def counted(dispatcher: Dispatcher, feed: Feed) -> Iterator[tuple[str, Outcome]]:
        for token, outcome in run(dispatcher, feed):
            brought.append(outcome.name)
            yield token, outcome

    monkeypatch.setattr(OutputFolder, "adopt", damaged_once)
    monkeypatch.setattr(Dispatcher, "run", counted)
    prepare(tmp_path / "in", 12)
    with pytest.raises(EnvironmentFault, match="is not what its worker has written"):
        on_cluster(cluster, model, tmp_path)
    assert kept(tmp_path) == len(brought) - 1 >= 3
    assert finish(toy, tmp_path) == len(brought) - 1


@pytest.mark.slow
def test_a_machines_fault_is_not_the_pictures(cluster: Cluster, model: str, toy: Generator, tmp_path: Path) -> None:
    prepare(tmp_path / "in", 12)
    spoil(tmp_path, 0, FAULTY)
    events: list[ClusterEvent] = []
    result = on_cluster(cluster, model, tmp_path, events=events)
    assert {failure.source.partition("-")[0] for failure in result.failures} == {"face0"}
    said = {failure.message.partition(": ") for failure in result.failures}
    assert {why for _, _, why in said} == {"the GPU is gone\n  hint: look for it"}
    assert {machine for machine, _, _ in said} <= {"machine0", "machine1"}
    assert {event.data["reason"] for event in events if event.kind == "lost"} == {"the GPU is gone"}
    assert finish(toy, tmp_path) == 55


def test_ctrl_c_ends_with_130_and_the_rest_is_made_without_the_cluster(
    machines: Any, i2s: Callable[..., Run], heard: None, tmp_path: Path
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    edit = ["edit", "r.toml", "--seeds", "1-40", "--model", save_toy(tmp_path)]
    driver = subprocess.Popen(
        command([*edit, "-o", "broken", "--cluster", machines.address]), cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    journal = tmp_path / "broken/journal.ndjson"
    assert wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 20)
    asked = time.monotonic()
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert time.monotonic() - asked < 30
    assert driver.returncode == 130, said
    assert "go on with the same command and --resume" in said
    assert len(pictures(tmp_path / "broken")) == len(commits(tmp_path / "broken")) < 800
    assert i2s(*edit, "-o", "broken", "--resume").code == 0
    assert i2s(*edit, "-o", "whole").code == 0
    same(tmp_path / "whole", tmp_path / "broken")
