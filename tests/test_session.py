"""What an embedding runs with, put together as the command does it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.embedding.embed import EmbedProblem, optimise
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.job import JobEvent
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import I2sError, ModelError, UsageError
from i2s_trt.images.compose import write_png
from i2s_trt.session import SessionEvent, SessionOptions, open_session

QUICK = SessionOptions(model="random-16", features="random", embed=EmbedOptions(steps=3))


def opened(options: SessionOptions) -> tuple[Any, list[SessionEvent]]:
    events: list[SessionEvent] = []
    return open_session(options, events.append), events


def test_what_is_settled_is_reported_in_order() -> None:
    session, events = opened(replace(QUICK, align=True))
    assert [event.kind for event in events] == ["model", "features", "precision", "faces"]
    assert events[0].data["digest"] == session.generator.digest
    assert (events[0].data["width"], events[0].data["height"], events[0].data["layers"]) == (16, 16, 6)
    assert events[1].data["digest"] == session.vgg.source.digest
    assert events[2].data == {"precision": "fp32", "chosen": "by name"}


@pytest.mark.usefixtures("rough_curvature")
def test_the_fast_schedule_says_what_it_measures_first() -> None:
    fast = replace(QUICK, embed=EmbedOptions(steps=3, schedule="fast"))
    session, events = opened(fast)
    (event,) = (event for event in events if event.kind == "schedule")
    assert event.data == {"name": "fast", "curvature": "to be measured", "steps": 3, "passes": 4}
    session.embedder()
    (event,) = (event for event in opened(fast)[1] if event.kind == "schedule")
    assert (event.data["curvature"], event.data["passes"]) == ("known", 0)


def test_features_of_another_range_are_noted() -> None:
    objective = ObjectiveOptions(input_scale="unit")
    _, events = opened(replace(QUICK, features="imagenet", embed=EmbedOptions(objective=objective)))
    (event,) = (event for event in events if event.kind == "input_scale")
    assert event.data == {"given": "unit", "expected": "mean-255"}


def test_auto_measures_where_there_are_steps_enough_to_win() -> None:
    session, events = opened(replace(QUICK, precision="auto"))
    (event,) = (event for event in events if event.kind == "precision")
    assert event.data["chosen"] == "by measurement"
    assert event.data["unmeasured"] == "too few steps to measure"
    assert session.options.precision == "fp32"


def test_its_jobs_embed_files_and_its_embedder_pictures_alike(tmp_path: Path) -> None:
    session, _ = opened(QUICK)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    write_png(tmp_path / "a.png", pixels)
    events: list[JobEvent] = []
    (result,) = session.pictures(tmp_path / "out", JobOptions(), events.append).run([tmp_path / "a.png"])
    assert result.status == "finished"
    problem = EmbedProblem(session.embedder(), [pixels])
    state = problem.start()
    (embedding,) = problem.finish(state, optimise(problem, state))
    (done,) = (event for event in events if event.kind == "done")
    assert done.data["loss_total"] == embedding.latent.losses["total"]


def test_a_model_of_no_faces_takes_photographs_as_they_are() -> None:
    session, events = opened(QUICK)
    assert session.photographs.prepare is None
    assert session.photographs.typical_distance == 0
    assert session.photographs.expand([Path("a.png")]) == [Path("a.png")]
    assert "faces" not in {event.kind for event in events}


def test_the_built_in_model_aligns_unless_told_not_to() -> None:
    demo = replace(QUICK, model="demo")
    assert opened(demo)[0].photographs.prepare is not None
    left = opened(replace(demo, align=False))[0].photographs
    assert left.prepare is None
    assert left.typical_distance > 0
    assert left.settings == {"detector": "", "face": "largest", "fit": "crop", "landmarks": {}}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": "nobody"}, ModelError, "nobody"),
        ({"features": "nothing"}, UsageError, "no features of that name"),
        ({"precision": "fp8"}, UsageError, "fp8"),
        ({"device": "abacus"}, I2sError, "abacus"),
        ({"init": "nowhere.npy"}, I2sError, "nowhere"),
        ({"align": True, "detector": Path("none.onnx")}, I2sError, r"none\.onnx"),
    ],
)
def test_what_does_not_exist_is_named(changes: dict[str, Any], error: type[I2sError], message: str) -> None:
    with pytest.raises(error, match=message):
        open_session(replace(QUICK, **changes))
