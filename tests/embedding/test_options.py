"""The settings: the paper's defaults, what is refused, and what identifies a run."""

from dataclasses import replace

import pytest

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.errors import UsageError


def test_defaults_are_the_papers() -> None:
    options = EmbedOptions()
    assert (options.steps, options.learning_rate, options.beta1, options.beta2, options.epsilon) == (
        5000, 0.01, 0.9, 0.999, 1e-8,
    )  # fmt: skip
    assert (options.space, options.init, options.noise, options.plateau_steps) == ("w+", "mean", "stored", 0)
    assert dict(options.objective.layer_weights) == {"conv1_1": 1, "conv1_2": 1, "conv3_2": 1, "conv4_2": 1}
    assert (options.objective.pixel_weight, options.objective.perceptual_size) == (1, 256)


def test_terms_follow_the_weights() -> None:
    assert ObjectiveOptions().terms == ("total", "pixel", "conv1_1", "conv1_2", "conv3_2", "conv4_2")
    assert ObjectiveOptions(layer_weights={}).terms == ("total", "pixel")
    only = ObjectiveOptions(pixel_weight=0, layer_weights={"conv3_2": 2, "conv1_1": 0}, style_weight=3)
    assert only.terms == ("total", "conv3_2", "style")
    assert replace(only, prior_weight=0.1).terms == ("total", "conv3_2", "style", "prior")


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer_weights": {"conv9_9": 1.0}},
        {"style_layer": "relu"},
        {"pixel_weight": -1.0},
        {"pixel_weight": float("nan")},
        {"style_weight": float("inf")},
        {"prior_weight": -0.1},
        {"prior_weight": float("nan")},
        {"pixel_weight": 0.0, "layer_weights": {}},
        {"pixel_weight": 0.0, "layer_weights": {}, "prior_weight": 1.0},
    ],
)
def test_impossible_objectives_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ObjectiveOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"beta1": 1.0},
        {"epsilon": 0.0},
        {"plateau_steps": -5},
    ],
)
def test_impossible_runs_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EmbedOptions(**wrong)  # type: ignore[arg-type]


def test_the_digest_changes_with_every_setting() -> None:
    base = EmbedOptions()
    others = [
        replace(base, steps=10),
        replace(base, seed=1),
        replace(base, noise=3),
        replace(base, objective=ObjectiveOptions(pixel_weight=0.5)),
        replace(base, objective=ObjectiveOptions(layer_weights={"conv1_1": 1})),
    ]
    assert len({options.digest() for options in [base, *others]}) == len(others) + 1
    assert base.digest() == EmbedOptions().digest()
