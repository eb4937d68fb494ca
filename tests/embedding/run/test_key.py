"""In what two runs differ, in a user's words."""

from dataclasses import replace

import pytest

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.key import RunKey, changed_settings

OPTIONS = EmbedOptions(steps=200)


@pytest.mark.parametrize(
    ("now", "said"), [
        (OPTIONS, []),
        (replace(OPTIONS, steps=500), ["steps 200 -> 500"]),
        (replace(OPTIONS, learning_rate=0.05, noise=7), ["learning rate 0.01 -> 0.05", "noise stored -> 7"]),
        (replace(OPTIONS, init="latent", init_digest="ab" * 32),
         ["start mean -> latent", "latent or encoder to start from none -> abababababab"]),
        (replace(OPTIONS, objective=ObjectiveOptions(prior_weight=0.06)), ["prior weight 0.0 -> 0.06"]),
        (replace(OPTIONS, objective=ObjectiveOptions(layer_weights={"conv1_1": 2.0})),
         ["layer weights conv1_1=1.0,conv1_2=1.0,conv3_2=1.0,conv4_2=1.0 -> conv1_1=2.0"]),
        (replace(OPTIONS, objective=ObjectiveOptions(after_relu=False)), ["features behind the relu True -> False"]),
    ], ids=str,
)  # fmt: skip
def test_settings(now: EmbedOptions, said: list[str]) -> None:
    assert changed_settings(OPTIONS.to_json(), now.to_json()) == said


def test_settings_that_only_one_of_them_has() -> None:
    assert changed_settings({}, {"plateau_steps": 3}) == ["plateau steps none -> 3"]
    assert changed_settings({"schedule": "fast"}, {}) == ["schedule fast -> none"]


def test_what_is_not_a_setting() -> None:
    key = RunKey("m", "i", {"steps": 1}, "f")
    assert key.changes(RunKey("m", "i", {"steps": 1}, "f")) == []
    assert key.changes(RunKey("n", "j", {"steps": 2}, "g", "s")) == [
        "another model", "another picture, or another part of it", "other features", "another style picture",
        "steps 1 -> 2",
    ]  # fmt: skip
