"""The experiment's embeddings on a real cluster: what this process makes, whatever dies on the way."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.maker import StoppedError
from benchmarks.paper.networks import Networks
from benchmarks.paper.task import RANDOM, Task
from benchmarks.paper.workers import ClusterWorkers
from benchmarks.paper.workshop import WorkSettings
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.cluster import dispatcher
from i2s_trt.cluster.embed_work import EmbedSettings
from i2s_trt.cluster.events import ClusterEvent
from i2s_trt.cluster.join import joined
from i2s_trt.cluster.model import pack_model
from i2s_trt.cluster.options import cluster_options
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import I2sError
from i2s_trt.latents import read_latent
from i2s_trt.models.vgg import Vgg16
from i2s_trt.session import SessionOptions
from tests.cli.support import invoke
from tests.cluster.conftest import workers_of
from tests.cluster.models import save_toy
from tests.cluster.test_embed import wait_for

OPTIONS = EmbedOptions(steps=6, objective=ObjectiveOptions(perceptual_size=16))
LONG = replace(OPTIONS, steps=80, objective=ObjectiveOptions(layer_weights={}))
POISON = replace(LONG, learning_rate=1e30)


def task(number: int, options: EmbedOptions = OPTIONS, **changes: Any) -> Task:
    return Task(np.random.default_rng(number).integers(0, 255, (16, 16, 3), np.uint8), options, **changes)


class Laboratory:
    """Opens stores, with workers and without, and notes what happens."""

    def __init__(self, address: str, folder: Path, vgg: Vgg16) -> None:
        self._address, self._vgg = address, vgg
        self.model, self.other = save_toy(folder), save_toy(folder, "other", seed=1)
        self._networks = Networks(load_generator(self.model), {self.other: load_generator(self.other)})
        self.told: list[ClusterEvent] = []
        self.steps = 0

    def alone(self, folder: Path, should_stop: Callable[[], bool] = lambda: False) -> Embeddings:
        return Embeddings(folder, self._networks, self._vgg, self._count, should_stop)

    @contextmanager
    def workers(
        self, folder: Path, outputs: Any = "shared", should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Embeddings]:
        embed = EmbedSettings(SessionOptions(self.model, "cpu", "random"), JobOptions(snapshot_seconds=0.0))
        work = WorkSettings(embed, self._vgg.source.digest)
        with ExitStack() as held:
            found = held.enter_context(joined(cluster_options(self._address, outputs=outputs), "cpu"))
            parts = found, work, pack_model(self.model), outputs, folder
            made = ClusterWorkers(*parts, self._count, self.told.append, should_stop)
            workers = held.enter_context(made.held())
            yield Embeddings(folder, self._networks, self._vgg, self._count, should_stop, workers)

    def _count(self, steps: int) -> None:
        self.steps += steps


@pytest.fixture
def laboratory(machines: Any, tmp_path: Path, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    monkeypatch.setattr(dispatcher, "_WAIT", 0.05)  # the embeddings take a second
    return Laboratory(machines.address, tmp_path / "models", vgg)


def same(one: Path, other: Path) -> None:
    """The same files; the same bytes but for the seconds in the record of a latent."""
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())
    for path in one.iterdir():
        if path.suffix == ".png":
            assert path.read_bytes() == (other / path.name).read_bytes()
            continue
        mine, theirs = read_latent(path), read_latent(other / path.name)
        np.testing.assert_array_equal(mine.w_plus, theirs.w_plus)
        np.testing.assert_array_equal(mine.curve, theirs.curve)
        assert {**mine.extra, "seconds": 0} == {**theirs.extra, "seconds": 0}
        assert (mine.losses, mine.options) == (theirs.losses, theirs.options)


@pytest.mark.parametrize("outputs", ["shared", pytest.param("driver", marks=pytest.mark.slow)])
def test_workers_make_what_this_process_makes(laboratory: Laboratory, tmp_path: Path, outputs: str) -> None:
    style = ObjectiveOptions(perceptual_size=16, style_weight=1.0)
    kinds = [task(0, network=laboratory.other), task(0, network=RANDOM), task(0, replace(OPTIONS, objective=style))]
    tasks = [task(0), task(1), task(0), *kinds, replace(kinds[-1], style=task(2).picture)]
    found = laboratory.alone(tmp_path / "one").embed(tasks)
    again = [Task(item.picture, OPTIONS) for item in found[:2]]
    laboratory.alone(tmp_path / "one").embed(again)
    laboratory.steps = 0
    with laboratory.workers(tmp_path / "many", outputs) as store:
        store.prepare(tasks)
        assert store.missing(tasks) == []
        assert [item.loss for item in store.embed(tasks)] == [item.loss for item in found]
        store.embed(again)  # a second round, by the same workers
    assert laboratory.steps == 8 * OPTIONS.steps
    assert [event.kind for event in laboratory.told] == ["worker", "worker"]
    same(tmp_path / "one", tmp_path / "many")


def test_a_killed_worker_loses_nothing_and_a_poisoned_picture_is_that_of_one_machine(
    machines: Any, laboratory: Laboratory, tmp_path: Path
) -> None:
    good, poison = [task(0, LONG), task(1, LONG)], task(2, POISON)
    laboratory.alone(tmp_path / "one").embed(good)
    with pytest.raises(I2sError) as expected:
        laboratory.alone(tmp_path / "one").embed([poison])
    killer = threading.Thread(target=kill_a_worker, args=(machines, tmp_path / "many"))
    killer.start()
    with laboratory.workers(tmp_path / "many") as store:
        store.prepare([*good, poison])
        killer.join()
        assert store.missing([*good, poison]) == [poison]
        with pytest.raises(I2sError) as found:
            store.embed([good[0], poison])
    assert str(found.value) == str(expected.value)
    told = [event.kind for event in laboratory.told]
    assert (told.count("lost"), told.count("retry")) == (1, 0)
    same(tmp_path / "one", tmp_path / "many")


def kill_a_worker(machines: Any, folder: Path) -> None:
    """Once one has got somewhere."""
    assert wait_for(lambda: list(folder.glob(".partial/*/.*.snapshot")))
    workers_of(machines)[0].kill()


@pytest.mark.slow
def test_each_finishes_what_the_other_began(laboratory: Laboratory, tmp_path: Path) -> None:
    tasks = [task(0, LONG), task(1, LONG)]
    laboratory.alone(tmp_path / "whole").embed(tasks)
    laboratory.steps = 0
    with pytest.raises(StoppedError):
        laboratory.alone(tmp_path / "a", lambda: laboratory.steps >= LONG.steps + 5).embed(tasks)  # one and a bit
    with laboratory.workers(tmp_path / "a") as store:
        store.embed(tasks)
    begun = tmp_path / "b"
    with (
        pytest.raises(StoppedError),
        laboratory.workers(begun, should_stop=once(lambda: bool(list(begun.glob(".partial/*/.*.snapshot"))))) as store,
    ):
        store.embed(tasks)
    assert list(begun.glob(".*.snapshot"))
    assert not (begun / ".partial").exists()
    laboratory.steps = 0
    laboratory.alone(begun).embed(tasks)
    for name in ("a", "b"):
        same(tmp_path / "whole", tmp_path / name)


def once(happened: Callable[[], bool]) -> Callable[[], bool]:
    """True the first time that it has happened, and never again: a stop is not asked for twice."""
    told: list[bool] = []

    def asked() -> bool:
        if told or not happened():
            return False
        told.append(True)
        return True

    return asked


def test_the_command_finds_the_same_with_a_cluster(machines: Any, tmp_path: Path) -> None:
    words = ["experiment", "figure11", "--quick", "--steps", 1, "--features", "random", "--device", "cpu",
             "-m", save_toy(tmp_path), "--json"]  # fmt: skip
    runs = [
        invoke(*words, "-o", tmp_path / "one"),
        invoke(*words, "-o", tmp_path / "many", "--cluster", machines.address),
        invoke(*words, "-o", tmp_path / "many", "--cluster", "127.0.0.1:9"),  # nothing is left, and nobody is asked
    ]
    assert [run.exit_code for run in runs] == [0, 0, 0], runs[1].output
    one, many, again = ([json.loads(line) for line in run.stdout.splitlines()] for run in runs)
    assert verdicts(one, "outcome") == verdicts(many, "outcome") == verdicts(again, "kept") != {}
    assert {"cluster", "worker"} <= {event["event"] for event in many}
    same(tmp_path / "one" / "embeddings", tmp_path / "many" / "embeddings")


def verdicts(events: list[dict[str, Any]], kind: str) -> dict[str, tuple[str, str]]:
    return {event["study"]: (event["verdict"], event["reason"]) for event in events if event["event"] == kind}
