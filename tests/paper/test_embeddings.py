"""The store: everything once, resumed exactly, never trusted when damaged."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.maker import StoppedError
from benchmarks.paper.networks import Networks, randomised
from benchmarks.paper.task import RANDOM, Task
from i2s_trt.arrays import Pixels
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.errors import I2sError
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

PIXEL = ObjectiveOptions(layer_weights={})
OPTIONS = EmbedOptions(steps=6, objective=PIXEL)


def picture(value: int) -> Pixels:
    return np.full((16, 16, 3), value, np.uint8)


class Counted:
    """A store and the steps that it took."""

    def __init__(self, folder: Path, generator: Generator, vgg: Vgg16, stop_after: int = 10**6) -> None:
        self.steps = 0
        self._stop_after = stop_after
        self.store = Embeddings(folder, Networks(generator, {}), vgg, self._count, lambda: self.steps >= stop_after)

    def _count(self, steps: int) -> None:
        self.steps += steps


@pytest.fixture
def open_store(tmp_path: Path, toy: Generator, vgg: Vgg16) -> Callable[..., Counted]:
    def open_(**options: Any) -> Counted:
        return Counted(tmp_path / "store", toy, vgg, **options)

    return open_


def test_an_embedding_is_that_of_the_library(open_store: Callable[..., Counted], toy: Generator, vgg: Vgg16) -> None:
    (found,) = open_store().store.embed([Task(picture(90), OPTIONS)])
    (expected,) = embed(toy, [picture(90)], OPTIONS, vgg=vgg)
    assert found.w_plus.tobytes() == expected.latent.w_plus.tobytes()
    assert np.array_equal(found.picture, expected.picture)
    assert found.loss == expected.latent.losses["total"]


def test_nothing_is_embedded_twice(open_store: Callable[..., Counted]) -> None:
    first, tasks = open_store(), [Task(picture(v), OPTIONS) for v in (90, 200, 90)]
    assert len(first.store.missing(tasks)) == 2
    found = first.store.embed(tasks)
    assert first.steps == 12
    assert found[0].w_plus.tobytes() == found[2].w_plus.tobytes() != found[1].w_plus.tobytes()
    again = open_store()
    assert again.store.missing(tasks) == []
    assert [item.w_plus.tobytes() for item in again.store.embed(tasks)] == [item.w_plus.tobytes() for item in found]
    assert again.steps == 0


@pytest.mark.parametrize(
    "change",
    [{"steps": 5}, {"seed": 1, "init": "random"}, {"space": "w"}, {"noise": 3}, {"learning_rate": 0.02},
     {"objective": replace(PIXEL, input_scale="unit")}],
    ids=str,
)  # fmt: skip
def test_other_options_are_another_embedding(open_store: Callable[..., Counted], change: dict[str, Any]) -> None:
    store = open_store().store
    store.embed([Task(picture(90), OPTIONS)])
    assert len(store.missing([Task(picture(90), replace(OPTIONS, **change))])) == 1


def test_another_network_or_style_is_another_embedding(open_store: Callable[..., Counted], toy: Generator) -> None:
    store, task = open_store().store, Task(picture(90), OPTIONS)
    (trained,) = store.embed([task])
    other = replace(task, network=RANDOM)
    assert store.missing([other, replace(task, style=picture(10))]) != []
    (random,) = store.embed([other])
    assert random.latent.model_digest == randomised(toy).digest != trained.latent.model_digest


def test_a_stopped_embedding_goes_on_to_the_same_end(open_store: Callable[..., Counted], tmp_path: Path) -> None:
    tasks = [Task(picture(90), OPTIONS), Task(picture(200), OPTIONS)]
    with pytest.raises(StoppedError):
        open_store(stop_after=4).store.embed(tasks)
    assert len(list((tmp_path / "store").glob(".*.snapshot"))) == 1
    resumed = open_store()
    found = resumed.store.embed(tasks)
    assert resumed.steps == 12
    assert list((tmp_path / "store").glob(".*.snapshot")) == []
    unbroken = Counted(tmp_path / "other", *_parts(resumed))
    for one, other in zip(found, unbroken.store.embed(tasks), strict=True):
        assert one.w_plus.tobytes() == other.w_plus.tobytes()
        assert np.array_equal(one.latent.curve, other.latent.curve)


def test_a_cluster_whose_driver_was_killed_is_gone_on_from(open_store: Callable[..., Counted], tmp_path: Path) -> None:
    tasks, folder = [Task(picture(90), OPTIONS)], tmp_path / "store"
    with pytest.raises(StoppedError):
        open_store(stop_after=4).store.embed(tasks)
    (snapshot,) = folder.glob(".*.snapshot")
    left = folder / ".partial" / "worker-0"
    left.mkdir(parents=True)
    snapshot.rename(left / snapshot.name)
    (folder / ".embed.lock").touch()
    resumed = open_store(stop_after=5)
    with pytest.raises(StoppedError):
        resumed.store.embed(tasks)  # four steps that were taken, and one more
    assert resumed.steps == 5
    assert [path.name for path in folder.iterdir()] == [snapshot.name]


def _parts(counted: Counted) -> tuple[Generator, Vgg16]:
    return counted.store._network(""), counted.store._vgg


@pytest.mark.parametrize("damage", ["latent cut", "latent gone", "picture gone"])
def test_what_is_damaged_is_made_again(open_store: Callable[..., Counted], tmp_path: Path, damage: str) -> None:
    task = Task(picture(90), OPTIONS)
    (before,) = open_store().store.embed([task])
    (latent,) = (tmp_path / "store").glob("*.safetensors")
    if damage == "latent cut":
        latent.write_bytes(latent.read_bytes()[:100])
    elif damage == "latent gone":
        latent.unlink()
    else:
        latent.with_suffix(".png").unlink()
    again = open_store()
    (after,) = again.store.embed([task])
    assert again.steps == 6
    assert after.w_plus.tobytes() == before.w_plus.tobytes()


def test_an_embedding_that_diverges_is_an_error_and_is_not_kept(open_store: Callable[..., Counted]) -> None:
    wild = Task(picture(90), replace(OPTIONS, steps=40, learning_rate=1e30))
    store = open_store().store
    with pytest.raises(I2sError, match="finite") as caught:
        store.embed([wild])
    assert "--learning-rate" in caught.value.hint
    assert store.missing([wild]) == [wild]


def test_random_weights_have_a_mean_latent_of_their_own(toy: Generator) -> None:
    random = randomised(toy)
    assert random.spec == toy.spec
    assert float(random.mean_w.norm()) > 0
    assert randomised(toy).digest == random.digest != toy.digest
