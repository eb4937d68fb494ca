"""Batches rendered by a real cluster: the same files, journal and manifest as one machine makes."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.batch.options import BatchOptions, BatchResult, Rendering
from i2s_trt.batch.runner import run_batch, run_crew
from i2s_trt.cluster.crew import ClusterCrew
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.model import pack_model
from i2s_trt.cluster.options import WorkerPlan
from i2s_trt.cluster.render import RenderSettings
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer
from tests.batch.support import collected, leftovers, pictures, prepare
from tests.cli.support import small_file_system
from tests.cluster.models import save_toy
from tests.cluster.openers import DEADLY, HUGE, POISON
from tests.conftest import Run, command

OPTIONS = BatchOptions(batch=4, writers=2, group=4)
RESUME = replace(OPTIONS, resume=True)
_FULL = r"^(machine\d: the disk is full: .*/out/[a-z0-9_-]+\.png|the disk is full: .*/journal.ndjson) was not written"
RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = { from = 0.9, to = 0.1, steps = 20 }\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its folder, which is in no worker's store."""
    return save_toy(tmp_path_factory.mktemp("models"))


def on_cluster(
    cluster: Cluster,
    model: str,
    folder: Path,
    options: BatchOptions = OPTIONS,
    outputs: str = "shared",
    should_stop: Callable[[], bool] = lambda: False,
    events: list[ClusterEvent] | None = None,
) -> BatchResult:
    found, variants = collected(folder / "in")
    plan = WorkerPlan(
        "tests.cluster.openers:open_poisonous",
        asdict(RenderSettings(batch=options.batch)),
        outputs,  # type: ignore[arg-type]
    )
    parcel = pack_model(model)
    crew = ClusterCrew(cluster, plan, parcel, (events if events is not None else []).append)
    rendering = Rendering("toy", parcel.info.digest)
    result = run_crew(found, variants, crew, folder / "out", options, rendering, should_stop=should_stop)
    assert sum(crew.rates().values()) > 0
    return result


def alone(
    toy: Generator, folder: Path, options: BatchOptions = OPTIONS, should_stop: Callable[[], bool] = lambda: False
) -> BatchResult:
    found, variants = collected(folder / "in")
    rendering = Rendering("toy", toy.digest, "torch in fp32")
    renderers = [TorchSynthesizer(toy)]
    return run_batch(found, variants, renderers, folder / "out", options, rendering, should_stop=should_stop)


def commits(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "journal.ndjson").read_bytes().splitlines()[1:]
    return sorted((json.loads(line[9:]) for line in lines), key=lambda commit: str(commit["output"]))


def manifest(folder: Path) -> dict[str, Any]:
    """Without the folder in which its latents lie."""
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    for entry in document["outputs"].values():
        entry["latent"] = Path(entry["latent"]).name
    return document


def some_are_committed(folder: Path) -> Callable[[], bool]:
    """Whether the journal in a folder's `out` has an entry."""
    journal = folder / "out/journal.ndjson"
    return lambda: journal.exists() and journal.read_bytes().count(b"\n") > 1


def spoil(folder: Path, face: int, value: float) -> None:
    """Make the first number of a latent say what is to happen to it."""
    path, index = (folder / f"in/face{face}.npy", ...) if face < 3 else (folder / "in/many.npy", face - 3)
    latents = np.load(path)
    latents[index][0, 0] = value
    np.save(path, latents)


def same(one: Path, other: Path) -> None:
    """The same files, journal and manifest, and nothing else."""
    assert pictures(one) == pictures(other)
    assert commits(one) == commits(other)
    assert manifest(one) == manifest(other)
    assert leftovers(one) == leftovers(other) == []


@pytest.mark.parametrize("outputs", ["shared", "driver"])
def test_a_cluster_makes_what_one_machine_makes(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path, outputs: str
) -> None:
    for name in ("one", "many"):
        prepare(tmp_path / name / "in", 12)
    alone(toy, tmp_path / "one")
    result = on_cluster(cluster, model, tmp_path / "many", outputs=outputs)
    assert (result.rendered, result.failures) == (60, ())
    same(tmp_path / "one/out", tmp_path / "many/out")


def test_each_finishes_what_the_other_began(cluster: Cluster, model: str, toy: Generator, tmp_path: Path) -> None:
    for name in ("whole", "a", "b"):
        prepare(tmp_path / name / "in", 12)
    alone(toy, tmp_path / "whole")
    asked = iter(range(10**6))
    assert alone(toy, tmp_path / "a", should_stop=lambda: next(asked) >= 23).interrupted
    result = on_cluster(cluster, model, tmp_path / "a", RESUME)
    assert (result.rendered, result.kept) == (37, 23)
    begun = on_cluster(cluster, model, tmp_path / "b", should_stop=some_are_committed(tmp_path / "b"))
    assert begun.interrupted
    result = alone(toy, tmp_path / "b", RESUME)
    assert (result.rendered + begun.rendered, result.kept) == (60, begun.rendered)
    for name in ("a", "b"):
        same(tmp_path / "whole/out", tmp_path / name / "out")


@pytest.mark.slow
def test_poison_is_reported_and_spoils_nothing_else(
    cluster: Cluster, model: str, toy: Generator, tmp_path: Path
) -> None:
    for name in ("one", "many"):
        prepare(tmp_path / name / "in", 8)
    spoil(tmp_path / "many", 0, POISON)
    spoil(tmp_path / "many", 1, DEADLY)
    alone(toy, tmp_path / "one")
    result = on_cluster(cluster, model, tmp_path / "many")
    failed = {failure.source: failure.message for failure in result.failures}
    assert {name.partition("-")[0] for name in failed} == {"face0", "face1"}
    assert failed["face0-plain.png"] == "this latent is poisoned\n  hint: leave it out"
    assert "two workers ended while they made it" in failed["face1-plain.png"]
    before, after = pictures(tmp_path / "one/out"), pictures(tmp_path / "many/out")
    assert set(before) - set(after) == set(failed)
    rest = {name for name in after if name[:5] not in ("face0", "face1")}
    assert {name: before[name] for name in rest} == {name: after[name] for name in rest}
    assert leftovers(tmp_path / "many/out") == []


def test_with_too_little_memory_batches_get_smaller(cluster: Cluster, model: str, tmp_path: Path) -> None:
    prepare(tmp_path / "in", 8)
    spoil(tmp_path, 2, HUGE)
    events: list[ClusterEvent] = []
    result = on_cluster(cluster, model, tmp_path, events=events)
    assert (result.rendered, result.failures) == (40, ())
    assert {event.data["batch"] for event in events if event.kind == "smaller"} == {2}


def test_a_killed_driver_is_resumed_without_the_cluster(
    machines: Any, model: str, i2s: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    edit = ["edit", "r.toml", "--seeds", "1-16", "--model", model]
    driver = subprocess.Popen(
        command([*edit, "-o", "broken", "--cluster", machines.address]), cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    journal = tmp_path / "broken/journal.ndjson"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not journal.exists() or journal.read_bytes().count(b"\n") < 20):
        time.sleep(0.01)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert 20 <= journal.read_bytes().count(b"\n") < 320
    resumed = i2s(*edit, "-o", "broken", "--resume")
    assert resumed.code == 0
    assert i2s(*edit, "-o", "whole").code == 0
    same(tmp_path / "whole", tmp_path / "broken")
    assert set(Counter(commit["output"] for commit in commits(tmp_path / "broken")).values()) == {1}


def test_the_command_tells_what_its_cluster_does(model: str, i2s: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    edit = ["edit", "r.toml", "--seeds", "1-2", "--model", model, "-o", "out"]
    run = i2s(*edit, "--cluster", "local:1", "--json")
    assert run.code == 0, run.err
    kinds = [event["event"] for event in run.events]
    assert {"recipe", "cluster", "worker", "progress", "end"} <= set(kinds)
    (worker,) = [event for event in run.events if event["event"] == "worker"]
    assert worker["engine"] == "torch in fp32"
    progress = next(event for event in run.events if event["event"] == "progress")
    assert list(progress["nodes"]) == [worker["node"]]


def test_a_full_disk_ends_the_run_and_keeps_what_is_committed(cluster: Cluster, model: str, tmp_path: Path) -> None:
    with small_file_system(tmp_path / "disk", "size=120k") as disk:
        prepare(disk / "in", 12)
        with pytest.raises(EnvironmentFault, match=_FULL):
            on_cluster(cluster, model, disk)
        assert 0 < len(pictures(disk / "out")) < 60
        assert leftovers(disk / "out") in ([], ["manifest.json"])
