"""Photographs embedded by a real cluster: what one machine makes, whatever dies on the way."""

import errno
import itertools
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from i2s_trt.cluster import staff
from i2s_trt.cluster.embed import ClusterEmbedding
from i2s_trt.cluster.embed_work import EmbedSettings, attach
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.handed import HandedFile
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.model import pack_model
from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.embedding.options import EmbedOptions, TuneOptions
from i2s_trt.embedding.run.job import JobEvent, JobResult
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.compose import write_png
from i2s_trt.latents import read_latent
from i2s_trt.session import SessionOptions, open_session
from tests.cluster.conftest import workers_of
from tests.cluster.models import save_toy
from tests.conftest import Run, command

STEPS = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_toy(tmp_path_factory.mktemp("models"))


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Four, two of them of one name, in folders that no worker knows."""
    found = [tmp_path / name for name in ("in/photo.png", "more/photo.png", "in/other.png", "in/third.png")]
    for number, path in enumerate(found):
        path.parent.mkdir(exist_ok=True)
        write_png(path, np.random.default_rng(number).integers(0, 255, (24, 24, 3), np.uint8))
    return found


class Clusters:
    """Embeds on a cluster and notes what happens."""

    def __init__(self, cluster: Cluster, model: str, steps: int = STEPS) -> None:
        self._cluster = cluster
        self._session = SessionOptions(model, "cpu", "random", embed=EmbedOptions(steps=steps))
        self.events: list[JobEvent] = []
        self.told: list[ClusterEvent] = []

    def __call__(
        self,
        sources: list[Path],
        folder: Path,
        outputs: str = "shared",
        should_stop: Callable[[], bool] = lambda: False,
        **files: Any,
    ) -> list[JobResult]:
        job = JobOptions(snapshot_seconds=0.0, **files)
        settings = EmbedSettings(self._session, job, attach(self._session, job))
        run = ClusterEmbedding(
            self._cluster, settings, pack_model(self._session.model), outputs, folder,  # type: ignore[arg-type]
            self.events.append, self.told.append, should_stop,
        )  # fmt: skip
        return list(run.run(sources))

    def alone(
        self, sources: list[Path], folder: Path, should_stop: Callable[[], bool] = lambda: False, **files: Any
    ) -> list[JobResult]:
        session = open_session(self._session)
        job = JobOptions(snapshot_seconds=0.0, **files)
        return session.pictures(folder, job, self.events.append, should_stop).run(sources)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def same(one: Path, other: Path) -> None:
    """The same files; the same bytes but for the seconds in the record of a latent and its curve's picture."""
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())
    for path in one.iterdir():
        if path.suffix == ".safetensors":
            mine, theirs = read_latent(path), read_latent(other / path.name)
            np.testing.assert_array_equal(mine.w_plus, theirs.w_plus)
            np.testing.assert_array_equal(mine.curve, theirs.curve)
            assert {**mine.extra, "seconds": 0} == {**theirs.extra, "seconds": 0}
            assert (mine.options, mine.status) == (theirs.options, theirs.status)
        else:
            assert path.read_bytes() == (other / path.name).read_bytes(), path.name


@pytest.mark.parametrize("outputs", ["shared", pytest.param("driver", marks=pytest.mark.slow)])
def test_a_cluster_makes_what_one_machine_makes(
    cluster: Cluster, model: str, photographs: list[Path], tmp_path: Path, outputs: str
) -> None:
    embed = Clusters(cluster, model)
    embed.alone(photographs, tmp_path / "one")
    results = embed(photographs, tmp_path / "many", outputs)
    assert {result.name for result in results} == {"photo", "photo-2", "other", "third"}
    assert {result.status for result in results} == {"finished"}
    same(tmp_path / "one", tmp_path / "many")


@pytest.mark.slow
def test_what_is_tuned_comes_along_and_goes_with_its_latent(
    cluster: Cluster, model: str, photographs: list[Path], tmp_path: Path
) -> None:
    embed, tune = Clusters(cluster, model), TuneOptions(2)
    embed.alone(photographs[:1], tmp_path / "one", tune=tune)
    embed.events.clear()
    embed(photographs[:1], tmp_path / "many", tune=tune)
    assert embed.kinds() == ["done", "tuned"]
    same_tuned(tmp_path / "one", tmp_path / "many")
    (result,) = embed(photographs[:1], tmp_path / "many", resume=True, tune=tune)
    assert result.status == "skipped"
    same_tuned(tmp_path / "one", tmp_path / "many")
    Clusters(cluster, model, STEPS + 1)(photographs[:1], tmp_path / "many", overwrite=True)
    assert list((tmp_path / "many").glob("*.delta.safetensors")) == [], "it was made around another latent"


def same_tuned(one: Path, other: Path) -> None:
    """The same files, latent and delta; the seconds in their records differ."""
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())
    mine, theirs = (load_file(folder / "photo.delta.safetensors") for folder in (one, other))
    assert mine.keys() == theirs.keys() != set()
    for name, tensor in mine.items():
        np.testing.assert_array_equal(tensor, theirs[name])
    first, second = (read_latent(folder / "photo.safetensors").w_plus for folder in (one, other))
    np.testing.assert_array_equal(first, second)
    assert (one / "photo.png").read_bytes() == (other / "photo.png").read_bytes()


@pytest.mark.slow
def test_each_finishes_what_the_other_began(
    cluster: Cluster, model: str, photographs: list[Path], tmp_path: Path
) -> None:
    embed = Clusters(cluster, model)
    embed.alone(photographs, tmp_path / "whole")
    asked = iter(range(10**6))
    embed.alone(photographs, tmp_path / "a", lambda: next(asked) >= STEPS + 5)  # one picture and a half
    results = embed(photographs, tmp_path / "a", resume=True)
    assert sorted(result.status for result in results) == ["finished"] * 3 + ["skipped"]
    assert "resumed" in embed.kinds()
    embed(photographs[:2], tmp_path / "b")
    embed.events.clear()
    embed.alone(photographs, tmp_path / "b", resume=True)
    assert embed.kinds().count("skipped") == 2
    for name in ("a", "b"):
        same(tmp_path / "whole", tmp_path / name)


def test_what_was_made_otherwise_is_refused_under_the_name_it_has(
    cluster: Cluster, model: str, photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = Clusters(cluster, model)
    embed.alone(photographs[:1], tmp_path / "out")
    broken = tmp_path / "in/broken.png"
    broken.write_bytes(b"no picture")
    other = Clusters(cluster, model, STEPS + 1)
    sources = [*photographs[:1], broken, tmp_path / "in/missing.png", *photographs[2:]]
    left, read = tmp_path / "out/.third.snapshot", Path.read_bytes
    left.touch()

    def of_a_broken_disk(path: Path) -> bytes:
        if path == left:
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", of_a_broken_disk)
    results = {result.name: result for result in other(sources, tmp_path / "out", resume=True)}
    assert {name: result.status for name, result in results.items()} == {
        "photo": "failed", "broken": "failed", "missing": "failed", "other": "finished", "third": "failed"
    }  # fmt: skip
    assert str(results["photo"].error).startswith("photo.safetensors was made otherwise and is kept: steps 12 -> 13")
    assert str(broken) in str(results["broken"].error)
    assert str(tmp_path / "in/missing.png") in str(results["missing"].error)
    assert "Input/output error" in str(results["third"].error)
    assert other.kinds().count("failed") == 4


@pytest.mark.parametrize("outputs", [pytest.param("shared", marks=pytest.mark.slow), "driver"])
def test_a_killed_worker_is_gone_on_from_and_a_stop_keeps_what_there_is(
    machines: Any,
    cluster: Cluster,
    model: str,
    photographs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outputs: str,
) -> None:
    monkeypatch.setattr(staff, "_QUESTIONS", 0.2)
    endless = Clusters(cluster, model, 10**6)
    out = tmp_path / "out"

    def kill() -> None:
        assert wait_for(lambda: len(list(out.glob(".partial/*/.*.snapshot"))) == 2)
        workers_of(machines)[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    steps: dict[str, float] = {}

    def enough() -> bool:
        """Once the worker that replaced the killed one works, too."""
        ready = sum(event.kind == "worker" for event in endless.told)
        if ready == 3:
            steps.setdefault("since", time.monotonic())
        return "since" in steps and time.monotonic() - steps["since"] > 2

    results = endless(photographs[:2], out, outputs, should_stop=enough)
    killer.join()
    assert [event.kind for event in endless.told].count("lost") == 1
    assert "resumed" in endless.kinds()
    assert sorted(result.status for result in results) == ["interrupted", "interrupted"]
    assert sorted(path.name for path in out.glob(".*.snapshot")) == [".photo-2.snapshot", ".photo.snapshot"]
    assert not (out / ".partial").exists()


def test_a_full_disk_here_keeps_what_the_others_bring(
    cluster: Cluster, model: str, photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, placed = ResultsFolder.place, list[str]()

    def full_once(results: ResultsFolder, token: str, files: Sequence[HandedFile], *ahead: Callable[[], None]) -> None:
        placed.append(token)
        if len(placed) == 1:
            raise EnvironmentFault("the disk is full", "free some space")
        place(results, token, files, *ahead)

    monkeypatch.setattr(ResultsFolder, "place", full_once)
    embed = Clusters(cluster, model)
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        embed(photographs, tmp_path / "out", batch=2)  # a worker brings two at a time
    assert len(placed) >= 2
    assert len(list((tmp_path / "out").glob("*.safetensors"))) == len(placed) - 1


def wait_for(look: Callable[[], Any]) -> Any:
    """What a look finds, within a minute."""
    deadline = time.monotonic() + 60
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("again", [(), ("--cluster", "local:1")])
@pytest.mark.slow
def test_a_killed_driver_is_resumed_from_its_workers_snapshots(
    i2s: Callable[..., Run], photographs: list[Path], model: str, tmp_path: Path, again: tuple[str, ...]
) -> None:
    embed = ["embed", photographs[0], "-o", tmp_path / "out", "--model", model, "--features", "random"]
    driver = subprocess.Popen(
        command([*embed, "--steps", 10**6, "--cluster", "local:1"]), cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    assert wait_for(lambda: list(tmp_path.glob("out/.partial/*/.photo.snapshot")))
    driver.kill()
    driver.wait()
    resumed = subprocess.Popen(
        command([*embed, "--steps", 10**6, "--resume", *again, "--json"]),
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert resumed.stdout
    if not again:
        assert wait_for(lambda: not (tmp_path / "out/.partial").exists())
        assert any('"resumed"' in line for line in itertools.islice(resumed.stdout, 8))
    else:
        assert any('"worker"' in line for line in itertools.islice(resumed.stdout, 8))
        assert wait_for(lambda: list(tmp_path.glob("out/.partial/*/.photo.snapshot")))
    resumed.send_signal(signal.SIGINT)
    out, _ = resumed.communicate(timeout=60)
    assert resumed.returncode == 130
    assert not again or '"resumed"' in out
    assert sorted(path.name for path in (tmp_path / "out").glob(".*")) == [".photo.snapshot"]
