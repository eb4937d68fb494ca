"""The gradient graph: what autograd computes, step by step and over a whole optimisation."""

import numpy as np
import pytest
import torch

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.errors import ExportError
from export.graphs.objective_gradient import objective_gradient_graph
from export.library import export_graph
from export.source import GraphSource
from export.verify import arrays, compare, fresh_inputs
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.images.fit import to_target
from i2s_trt.models.vgg import imagenet_vgg16
from tests.export.shared import made_from, slim

pytestmark = pytest.mark.usefixtures("shared_home")


@pytest.fixture
def source() -> GraphSource:
    return slim(16, 8, 16)


@pytest.mark.parametrize("steps", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_steps_of_adam_on_the_graph_and_on_autograd(steps: int, source: GraphSource) -> None:
    """At the same points the gradients agree; running freely, the curves do."""
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    options = EmbedOptions(steps=steps, learning_rate=0.02, objective=source.objective)
    problem = EmbedProblem(Embedder(source.generator, options, source.vgg), [picture])
    ours, theirs = problem.start(), problem.start()
    runner = OnnxRuntimeRunner(export_graph(source, "objective_gradient"))
    target = to_target(picture).unsqueeze(0)
    features = Objective(target, source.vgg, source.objective).features
    fixed = {"target": target.numpy(), **{f"target_{name}": value.numpy() for name, value in features.items()}}
    differences = []
    for _ in range(steps):
        here = runner({"w_plus": ours.variable.numpy(), **fixed})
        losses, gradient = problem.losses_and_gradient(ours)
        assert compare("losses", here["losses"], losses.numpy()).relative < 1e-5
        differences.append(compare("gradient", here["gradient"], gradient.numpy()).relative)
        advance(ours, losses, gradient, options)
        result = runner({"w_plus": theirs.variable.numpy(), **fixed})
        advance(theirs, torch.from_numpy(result["losses"]), torch.from_numpy(result["gradient"]), options)
    assert isinstance(ours, EmbedState)
    # at a few steps an activation lies on the kink of its ReLU, and the two sides differ; everywhere else they agree
    assert np.quantile(differences, 0.75) < 1e-4
    curve, other = ours.history[0, :, 0].numpy(), theirs.history[0, :, 0].numpy()
    assert curve[-1] < (0.8 if steps == 200 else 0.95) * curve[0]
    # Adam amplifies a rounding: gradients disturbed by one part in a million give curves 1.2 % apart after 200 steps
    np.testing.assert_allclose(other[:25], curve[:25], rtol=1e-4)
    np.testing.assert_allclose(other, curve, rtol=4e-2)


def test_in_fp16_the_gradient_of_a_large_loss_stays_finite(source: GraphSource) -> None:
    """Losses of trained features are some hundred thousand, and gradients beyond what fp16 can hold."""
    exact, reduced = (
        objective_gradient_graph(source.generator, imagenet_vgg16(), ObjectiveOptions(), precision)
        for precision in ("fp32", "fp16")
    )
    inputs = fresh_inputs(exact)
    (losses, gradient), (_, found) = arrays(exact, inputs), arrays(reduced, inputs)
    assert losses[:, 0].max() > 1e5
    assert np.abs(gradient).max() > 65504
    assert compare("gradient", found, gradient).relative < 0.1


@pytest.mark.slow  # an export of its own
def test_pictures_that_vgg_sees_smaller_can_be_exported(source: GraphSource) -> None:
    half = ObjectiveOptions(perceptual_size=8, layer_weights={"conv1_1": 1.0})
    exported = export_graph(made_from(source.generator, source.vgg, half), "objective_gradient")
    assert exported.record["verification"]["outputs"][1]["relative"] < 1e-3


def test_where_the_sizes_do_not_divide_a_hint_is_given(source: GraphSource) -> None:
    uneven = ObjectiveOptions(perceptual_size=10, layer_weights={"conv1_1": 1.0})
    with pytest.raises(ExportError, match=r"cannot be exported: there is no forward formula for aten\._ad") as caught:
        export_graph(made_from(source.generator, source.vgg, uneven), "objective_gradient")
    assert "256" in caught.value.hint
