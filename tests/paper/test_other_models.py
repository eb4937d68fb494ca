"""Figures 18 and 19, and the shell around a run, with models of the store."""

from pathlib import Path

import pytest

from benchmarks.paper.bench import Bench, Choices, other_models, settings_for
from benchmarks.paper.catalogue import study
from i2s_trt.checkpoints.catalogue import ModelInfo, models_folder
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16


def store(name: str, seed: int, resolution: int = 16) -> None:
    weights = random_weights(standard_spec(resolution, 16, 24), seed)
    save_model(models_folder() / name, ModelInfo(name, weights.spec, weights.digest(), "random weights"), weights)


@pytest.mark.usefixtures("own_home")
def test_models_of_the_store_make_the_claims_testable(toy: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    store("car", 7, resolution=32)
    store("bedroom", 8)
    bench = Bench(Choices(quick=True, steps=1), toy, vgg, tmp_path)
    assert list(bench.lab.others) == ["car", "bedroom"]
    names = ("figure18", "figure19")
    assert bench.runner.run([study(name) for name in names]) == {}
    outcomes = {item.name: outcome for item, outcome in bench.finished()}
    assert {outcome.verdict for outcome in outcomes.values()} <= {"holds", "does not hold"}
    assert [check.statement.rpartition(" ")[0] for check in outcomes["figure18"].findings.checks]
    assert [media.file for media in outcomes["figure18"].findings.media] == ["car.png", "bedroom.png"]
    assert len(outcomes["figure18"].findings.checks) == 2
    assert len(outcomes["figure19"].findings.checks) == 1  # the paper says nothing against morphs of bedrooms


@pytest.mark.usefixtures("own_home")
def test_the_model_under_study_is_not_compared_with_itself() -> None:
    store("car", 7)
    store("cat", 8)
    assert list(other_models(load_generator("car"))) == ["cat"]


def test_choices_change_the_settings(toy: Generator) -> None:
    paper, quick = settings_for(Choices(), toy), settings_for(Choices(quick=True), toy)
    assert (paper.steps, paper.learning_rate, paper.threshold) == (5000, 0.01, 1.0)
    assert (quick.steps, quick.faces) == (120, 2)
    chosen = settings_for(Choices(quick=True, steps=7, learning_rate=0.5, seed=3), toy)
    assert (chosen.steps, chosen.learning_rate, chosen.seed) == (7, 0.5, 3)
