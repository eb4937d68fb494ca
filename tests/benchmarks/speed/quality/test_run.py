"""A method's curve is looked at along one run, and each look is what so many steps alone would have given."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.metrics import psnr, ssim
from benchmarks.speed.bench import DEFAULT_MODELS, Bench
from benchmarks.speed.quality.methods import METHODS, Method
from benchmarks.speed.quality.run import Looks, SetUp, Task, run_method
from benchmarks.speed.quality.stopwatch import Stopwatch
from benchmarks.speed.quality.subjects import load_subject
from benchmarks.speed.quality.yardsticks import Yardsticks
from benchmarks.speed.schema import Case, Curve, Progress, Row, Skip
from benchmarks.speed.suites import quality
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.catalogue import ModelInfo, models_folder
from i2s_trt.checkpoints.encoders import TrainedEncoder, encoder_path, save_encoder
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, TuneOptions
from i2s_trt.embedding.tune import Tuner
from i2s_trt.errors import ModelError
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.encoder import Encoder
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import imagenet_vgg16
from tests.benchmarks.speed.quality.recognisers import save_recogniser

MODEL = "toy"
BY_NAME = {method.name: method.shortened() for method in METHODS}
TASK = Task(BY_NAME["paper"], MODEL, {"astronaut": "astronaut"})
PLAIN = ("s", "step", "features", "mse", "psnr", "ssim")


@pytest.fixture(autouse=True)
def model(module_home: Path, rough_curvature: None) -> None:
    """The smallest one, and a home where its curvature stays."""
    if not (models_folder() / MODEL).is_dir():
        weights = random_weights(standard_spec(16, 16, 24), seed=3)
        info = ModelInfo(MODEL, weights.spec, weights.digest(), "random weights")
        save_model(module_home / "models" / MODEL, info, weights)


@pytest.fixture
def encoder() -> Iterator[TrainedEncoder]:
    """One that was never trained."""
    generator = load_generator(MODEL)
    made = TrainedEncoder(Encoder(generator.spec).eval(), generator.digest, {})
    path = encoder_path(generator.digest)
    save_encoder(path, made)
    yield made
    path.unlink()


def looks(task: Task) -> list[Looks]:
    set_up, *found = run_method(task)
    assert isinstance(set_up, SetUp)
    assert set_up.seconds > 0
    return [item for item in found if isinstance(item, Looks)]


def compared(picture: Pixels) -> tuple[float, ...]:
    """A picture beside the astronaut."""
    subject = load_subject("astronaut", "astronaut", load_generator(MODEL).spec, None)
    return Yardsticks(subject, imagenet_vgg16(), None)(picture)


@pytest.mark.parametrize("name", [name for name in BY_NAME if "encoder" not in name])
def test_looks_are_what_so_many_steps_give(name: str) -> None:
    method = BY_NAME[name]
    (found,) = looks(replace(TASK, method=method))
    assert (found.subject, found.columns, found.notes) == ("astronaut", PLAIN, ())
    steps = [*method.looks, *(method.looks[-1] + step for step in method.tuning)]
    assert [point[1] for point in found.points] == steps
    seconds = [point[0] for point in found.points]
    assert seconds == sorted(seconds)
    generator, target = load_generator(MODEL), load_subject("a", "astronaut", load_generator(MODEL).spec, None).picture
    options = EmbedOptions(method.looks[-1], schedule=method.schedule)
    (alone,) = embed(generator, [target], options)
    assert found.points[len(method.looks) - 1][2:] == pytest.approx(compared(alone.picture))
    if method.tuning:
        tuner = Tuner(generator, imagenet_vgg16(), ObjectiveOptions(), TuneOptions(method.tuning[-1]))
        assert found.points[-1][2:] == pytest.approx(compared(tuner(alone.latent.w_plus, target).picture))


def test_an_encoder_alone_and_as_a_start(encoder: TrainedEncoder) -> None:
    generator = load_generator(MODEL)
    target = load_subject("a", "astronaut", generator.spec, None).picture
    (alone,) = looks(replace(TASK, method=BY_NAME["encoder"]))
    guess = torch.from_numpy(encoder(target))[None]
    assert [point[1] for point in alone.points] == [0]
    assert alone.points[0][2:] == pytest.approx(compared(to_pixels(generator(guess).detach())[0]), rel=0.05)
    (after,) = looks(replace(TASK, method=BY_NAME["encoder + fast"]))
    assert [point[1] for point in after.points] == [1, 2]


def test_without_an_encoder_there_is_nothing_to_start_from() -> None:
    with pytest.raises(ModelError, match="no encoder has been trained"):
        looks(replace(TASK, method=BY_NAME["encoder"]))


def test_identity_is_measured_on_faces(tmp_path: Path) -> None:
    recogniser = save_recogniser(tmp_path / "r.onnx")
    subjects = {"astronaut": "astronaut", "cup": "cup"}
    person, cup = looks(replace(TASK, subjects=subjects, identity=str(recogniser)))
    assert person.columns == (*PLAIN, "identity")
    assert all(-1 <= point[-1] < 1 for point in person.points)
    assert (cup.columns, cup.notes) == (PLAIN, ("cup: no face was found, so no identity",))


def test_the_target_itself_is_perfect(tmp_path: Path) -> None:
    subject = load_subject("astronaut", "astronaut", load_generator(MODEL).spec, None)
    assert Yardsticks(subject, imagenet_vgg16(), None)(subject.picture) == pytest.approx((0, 0, 99, 1), abs=1e-4)
    other = 255 - subject.picture
    features, error, *rest = Yardsticks(subject, imagenet_vgg16(), None)(other)
    assert features > 0
    assert error == pytest.approx(np.square((other / 127.5 - 1) - (subject.picture / 127.5 - 1)).mean())
    assert rest == [psnr(other, subject.picture), ssim(other, subject.picture)]


def test_what_does_not_fit_the_time_is_left_out() -> None:
    (found,) = looks(replace(TASK, seconds=0.0))
    assert (found.points, found.notes) == ((), ("astronaut: stopped by the time budget",))


def test_a_stopwatch_does_not_count_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Iterator[float] = iter([10.0, 11.5, 20.0, 20.25])
    with monkeypatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: next(clock))
        with Stopwatch(torch.device("cpu")) as watch, watch.paused():
            seen = watch.seconds
    assert (seen, watch.seconds) == (1.5, 1.75)


def test_trials_are_short_and_whole_curves_are_not() -> None:
    assert BY_NAME["encoder"] == replace(METHODS[0])
    assert BY_NAME["tuned"] == replace(METHODS[-1], looks=(1,), tuning=(1, 2))
    for method in METHODS:
        assert list(method.looks) == sorted(set(method.looks))
        assert method.points >= BY_NAME[method.name].points


def suite_items(method: Method, bench: Bench) -> list[Row | Curve | Skip]:
    return list(quality.measured(bench, method, Case(method.name, MODEL, 16), {"cat": "cat"}))


def test_a_method_leaves_its_curves_and_its_set_up() -> None:
    curve, row = suite_items(METHODS[3], Bench(quick=True))
    assert isinstance(curve, Curve)
    assert (curve.case, curve.columns) == (Case("paper", MODEL, 16, picture="cat"), PLAIN)
    assert [point[1] for point in curve.points] == [1, 2]
    assert isinstance(row, Row)
    assert (row.case, set(row.figures)) == (Case("paper", MODEL, 16), {"set-up"})


def test_a_method_that_cannot_be_measured_says_why() -> None:
    (skip,) = suite_items(METHODS[0], Bench(quick=True))
    assert isinstance(skip, Skip)
    assert skip.reason.startswith("no encoder has been trained for this model")
    (late,) = suite_items(METHODS[0], Bench(deadline=0.0))
    assert late == Skip(f"encoder with {MODEL}", "the time budget was spent before it")


@pytest.mark.parametrize(("models", "measured"), [(DEFAULT_MODELS, "demo"), ((MODEL,), MODEL)])
def test_random_weights_are_measured_only_when_named(models: tuple[str, ...], measured: str) -> None:
    items = list(quality.run(Bench(models=models, deadline=0.0)))
    whats = [item.what for item in items if isinstance(item, Skip)]
    assert whats == [f"{method.name} with {measured}" for method in METHODS]
    assert sum(isinstance(item, Progress) for item in items) == len(METHODS)


def test_an_unknown_model_is_told() -> None:
    (skip,) = quality.run(Bench(models=("nobody",)))
    assert isinstance(skip, Skip)
    assert "no model or file named nobody" in skip.reason
