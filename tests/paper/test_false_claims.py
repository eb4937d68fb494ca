"""End to end: claims that hold on pictures whose latents are known fall when the pictures are dealt to the classes.

The model makes the pictures itself: faces from latents near the mean, other classes from latents far away. So it is
certain beforehand which claims are true of them, and that dealing makes these claims false.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.album import Album
from benchmarks.paper.catalogue import study
from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.lab import Lab
from benchmarks.paper.networks import Networks
from benchmarks.paper.outcome import Outcome, read_outcome, write_outcome
from benchmarks.paper.settings import Settings
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import FAILS, HOLDS
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.paper.known import known_lab


def verdict(lab: Lab, name: str, folder: Path) -> str:
    """Measured, written, and read again."""
    outcome = Outcome(name, "key", study(name).measure(lab, Album(folder)))
    write_outcome(folder, outcome)
    kept = read_outcome(folder, "key")
    assert kept is not None
    assert kept.verdict == outcome.verdict
    return kept.verdict


@pytest.mark.parametrize("name", ["figure1", "figure10", "figure20"])
def test_classes_that_are_as_claimed_hold_and_dealt_ones_do_not(
    name: str, toy: Generator, vgg: Vgg16, tmp_path: Path
) -> None:
    assert verdict(known_lab(toy, vgg), name, tmp_path / "true") == HOLDS
    assert verdict(known_lab(toy, vgg, dealt=True), name, tmp_path / "false") == FAILS


class Astray:
    """Gives each picture the embedding of the next."""

    def __init__(self, lab: Lab) -> None:
        self._embed = lab.embed

    def embed(self, tasks: list[Task]) -> list[Embedded]:
        found = self._embed(tasks)
        return found[1:] + found[:1]


@pytest.mark.parametrize("name", ["figure1", "figure20"])
def test_embeddings_that_are_shuffled_do_not_hold(name: str, toy: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    lab = known_lab(toy, vgg)
    lab._embedder = Astray(known_lab(toy, vgg))  # type: ignore[assignment]
    assert verdict(lab, name, tmp_path) == FAILS


def test_the_same_with_pictures_that_are_really_embedded(toy: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    whole = known_lab(toy, vgg).collection
    few = [picture for label in whole.labels for picture in whole.of(label)[:3]]
    collection = replace(whole, pictures=tuple(few))
    settings = Settings(steps=25, learning_rate=0.1, perceptual_size=16)
    store = Embeddings(tmp_path / "store", Networks(toy, {}), vgg)
    lab = Lab(toy, vgg, collection, settings, store)
    dealt = Lab(toy, vgg, collection.dealt(), settings, store)
    assert verdict(lab, "figure20", tmp_path / "true") == HOLDS
    assert verdict(dealt, "figure20", tmp_path / "false") == FAILS
    assert store.missing(dealt.standard()) == []


def test_known_embeddings_are_exact(toy: Generator, vgg: Vgg16) -> None:
    """What the other tests stand on."""
    lab = known_lab(toy, vgg)
    for picture, item in zip(lab.collection.pictures, lab.embed(lab.standard()), strict=True):
        assert np.array_equal(item.picture, picture.pixels)
