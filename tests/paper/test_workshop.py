"""A worker's side of an experiment, and how its tasks are dealt out; whole clusters are in tests/cluster."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.maker import Maker, Order
from benchmarks.paper.networks import Networks
from benchmarks.paper.task import RANDOM, Task
from benchmarks.paper.workers import _Feed
from benchmarks.paper.workshop import ExperimentWorkshop, Job, WorkSettings, open_workshop
from i2s_trt.cluster import tasks as cluster
from i2s_trt.cluster.embed_work import EmbedSettings
from i2s_trt.cluster.tasks import Bench, Done, Failed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import I2sError, ModelError
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.session import SessionOptions

OPTIONS = EmbedOptions(steps=4, objective=ObjectiveOptions(layer_weights={}))
LONGER = replace(OPTIONS, steps=5)


def task(value: int, options: EmbedOptions = OPTIONS, network: str = "") -> Task:
    return Task(np.full((16, 16, 3), value, np.uint8), options, network=network)


def jobs(*tasks: Task) -> list[cluster.Task]:
    orders = [Order(f"{number}", one, RunKey("m", f"{number}", {}, "f")) for number, one in enumerate(tasks)]
    return [cluster.Task(order.name, Job(order)) for order in orders]


def workshop(folder: Path, toy: Generator, vgg: Vgg16, *, batch: int = 4, gives_back: bool = False) -> Any:
    found = ExperimentWorkshop(toy, vgg, folder, 20.0, gives_back=gives_back)
    found._batch = batch
    return found


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_those_of_one_kind_are_made_together_and_like_those_of_one_machine(
    tmp_path: Path, toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = []
    make = Maker.make

    def noted(maker: Maker, orders: Sequence[Order]) -> dict[str, I2sError]:
        groups.append([order.name for order in orders])
        return make(maker, orders)

    monkeypatch.setattr(Maker, "make", noted)
    asked = [task(10), task(90), task(10, LONGER), task(200), task(10, network=RANDOM)]
    (tmp_path / "worker").mkdir()
    answer = workshop(tmp_path / "worker", toy, vgg).work(jobs(*asked))
    assert groups == [["0", "1"], ["2"], ["3"], ["4"]]
    assert [outcome.name for outcome in answer.outcomes] == ["0", "1", "2", "3", "4"]
    assert {outcome.value.finished for outcome in answer.outcomes} == {True}
    handed = [[file.name for file in outcome.value.files] for outcome in answer.outcomes]
    assert handed == [[f"{i}.png", f"{i}.safetensors"] for i in range(5)]
    alone = Embeddings(tmp_path / "alone", Networks(toy, {}), vgg).embed(asked)
    for number, embedded in enumerate(alone):
        np.testing.assert_allclose(read(tmp_path / "worker", number), embedded.w_plus, atol=1e-5)  # of two at a time


def read(folder: Path, number: int) -> Any:
    from i2s_trt.latents import read_latent

    return read_latent(folder / f"{number}.safetensors").w_plus


def test_results_that_are_given_back_leave_nothing_behind(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    answer = workshop(tmp_path, toy, vgg, gives_back=True).work(jobs(task(10)))
    picture, latent = (file.data for file in answer.outcomes[0].value.files)
    assert picture.startswith(b"\x89PNG")
    assert b"__metadata__" in latent
    assert files(tmp_path) == []


@pytest.mark.parametrize("gives_back", [True, False])
def test_one_with_a_snapshot_is_not_finished(tmp_path: Path, toy: Generator, vgg: Vgg16, gives_back: bool) -> None:
    (tmp_path / ".0.snapshot").write_bytes(b"state")
    outcome = workshop(tmp_path, toy, vgg, gives_back=gives_back)._outcome("0", None)
    assert (outcome.value.finished, [file.name for file in outcome.value.files]) == (False, [".0.snapshot"])


def test_with_too_little_memory_groups_get_smaller(
    tmp_path: Path, toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Maker.make

    def greedy(maker: Maker, orders: Sequence[Order]) -> dict[str, I2sError]:
        if len(orders) > 1 or orders[0].name == "3":
            raise MemoryError
        return make(maker, orders)

    monkeypatch.setattr(Maker, "make", greedy)
    answer = workshop(tmp_path, toy, vgg).work(jobs(task(10), task(90), task(120), task(200)))
    assert answer.batch == 1
    assert [type(outcome) for outcome in answer.outcomes] == [Done, Done, Done, Failed]
    assert answer.outcomes[3].kind == "memory"


def test_one_that_diverges_spoils_no_other(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    wild = replace(OPTIONS, steps=40, learning_rate=1e30)
    good, bad = workshop(tmp_path, toy, vgg).work(jobs(task(10), task(90, wild))).outcomes
    assert isinstance(good, Done)
    assert good.value.error is None
    assert isinstance(bad, Done)  # another worker would not do better
    assert str(bad.value.error).startswith("the loss of an embedding was no longer finite\n  hint: use a smaller")
    assert files(tmp_path) == ["0.png", "0.safetensors"]


def test_after_a_stop_nothing_more_is_begun(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    stopped = workshop(tmp_path, toy, vgg)
    stopped.stop()
    (outcome,) = stopped.work(jobs(task(10))).outcomes
    assert (outcome.value.finished, outcome.value.files) == (False, ())
    assert files(tmp_path) == []


def test_other_features_than_the_drivers_are_refused(tmp_path: Path) -> None:
    embed = EmbedSettings(SessionOptions(features="random"), JobOptions())
    with pytest.raises(ModelError, match=r"its features are [0-9a-f]{12}, and the driver's 000000000000"):
        open_workshop({"work": WorkSettings(embed, "0" * 64)}, "demo", Bench("worker", tmp_path))


@pytest.mark.parametrize(("workers", "most", "sizes"), [(2, 8, [3, 2, 1]), (1, 2, [2, 2, 1, 1]), (9, 1, [1] * 6)])
def test_tasks_are_dealt_out_evenly_and_by_kind(workers: int, most: int, sizes: list[int]) -> None:
    orders = [one.payload.order for one in jobs(*(task(value) for value in range(5)), task(9, LONGER))]
    feed = _Feed(orders, workers, lambda order: cluster.Task(order.name, Job(order)))
    assert feed.poll(0) == []
    dealt = []
    while group := feed.poll(most):
        dealt.append(len(group))
    assert dealt == sizes
    assert feed.poll(0) is None
