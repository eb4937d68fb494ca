"""Every graph, exported and held against PyTorch in ONNX Runtime."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from engines.onnx_runtime import OnnxRuntimeRunner
from export.graph import EXAMPLE_BATCH
from export.keys import OPSET, WITH_LOSS, ExportedGraph, Precision, find_graph
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import ExportError, compare, verify
from i2s_trt.embedding.loop import EmbedProblem
from i2s_trt.embedding.objective import Objective
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.step import EmbedState, advance
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

pytestmark = pytest.mark.usefixtures("module_home")

Array = np.ndarray[Any, Any]
CASES = [
    (name, precision) for name in GRAPHS for precision in ("fp32", "fp16") if name != "mapping" or precision == "fp32"
]


def made_from(generator: Generator, vgg: Vgg16, objective: ObjectiveOptions | None = None) -> GraphSource:
    """A source of networks that are loaded already."""
    return GraphSource(lambda: generator, lambda: vgg, objective, generator.digest)


@pytest.fixture(scope="module")
def source(vgg: Vgg16) -> GraphSource:
    """A 32x32 generator in which no two sizes are alike, cropped as a landscape model is."""
    spec = replace(standard_spec(32, 24, 20), crop=(4, 28))
    return made_from(Generator.from_weights(random_weights(spec, seed=3)), vgg)


def inputs_of(source: GraphSource, name: str, batch: int) -> dict[str, Array]:
    """Inputs without the noise, whose stored defaults the runner adds."""
    graph = GRAPHS[name](source, "fp32")
    repeats = -(-batch // EXAMPLE_BATCH)
    return {
        key: value.repeat(repeats, *[1] * (value.ndim - 1))[:batch].numpy()
        for key, value in graph.examples.items()
        if key in graph.batched
    }


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_a_graph_computes_what_pytorch_does(source: GraphSource, name: str, precision: Precision) -> None:
    exported = export_graph(source, name, precision)
    for output in exported.record["verification"]["outputs"]:
        exact = 1e-4 if precision == "fp32" else 1e-2
        assert output["relative"] < (10 * exact if output["name"] == "gradient" else exact)
        if output["name"] == "pixels":
            assert output["psnr"] is None or output["psnr"] > 45
            assert output["maximum"] <= (1 if precision == "fp32" else 8)
    model = onnx.load(exported.path)
    assert [value.name for value in model.graph.output] == list(GRAPHS[name](source, "fp32").outputs)
    described = {entry.key: entry.value for entry in model.metadata_props}
    assert described["i2s_trt.graph"] == name
    assert described["i2s_trt.precision"] == precision
    assert described["i2s_trt.model_digest"]
    assert model.opset_import[0].version == OPSET


@pytest.mark.parametrize("name", ["synthesis", "images", "objective_gradient"])
def test_a_batch_of_eight_equals_eight_single_ones(source: GraphSource, name: str) -> None:
    runner = OnnxRuntimeRunner(export_graph(source, name))
    inputs = inputs_of(source, name, 8)
    together = runner(inputs)
    for row in range(8):
        alone = runner({key: value[row : row + 1] for key, value in inputs.items()})
        for output, value in alone.items():
            assert compare(output, together[output][row : row + 1], value).relative < 1e-4


def test_noise_is_an_input_with_a_stored_default(source: GraphSource) -> None:
    exported = export_graph(source, "images")
    names = {value.name for value in onnx.load(exported.path).graph.input}
    assert names == {"w_plus", *(f"noise_{i}" for i in range(source.generator.num_layers))}
    runner, latents = OnnxRuntimeRunner(exported), inputs_of(source, "images", 1)
    silence = {f"noise_{i}": np.zeros_like(n.numpy()) for i, n in enumerate(source.generator.synthesis.stored_noise())}
    assert not np.allclose(runner(latents)["images"], runner({**latents, **silence})["images"])


def test_sixteen_bits_halve_the_file(source: GraphSource) -> None:
    sizes = [export_graph(source, "features", precision).path.stat().st_size for precision in ("fp32", "fp16")]
    assert sizes[1] < 0.55 * sizes[0]


def test_the_second_export_is_a_hit_and_damage_is_a_miss(source: GraphSource) -> None:
    assert not export_graph(source, "mapping").exported or export_graph(source, "mapping")
    hit = export_graph(source, "mapping")
    assert not hit.exported
    key = source.key("mapping", "fp32")
    data = bytearray(hit.path.read_bytes())
    data[len(data) // 2] ^= 1
    hit.path.write_bytes(data)
    assert find_graph(key) is None
    assert export_graph(source, "mapping").exported
    hit.path.with_suffix(".json").write_text("{")
    assert find_graph(key) is None


def test_graphs_with_a_loss_depend_on_features_and_settings(source: GraphSource) -> None:
    other = made_from(source.generator, source.vgg, ObjectiveOptions(pixel_weight=2.0))
    for name in GRAPHS:
        same = source.key(name, "fp32") == other.key(name, "fp32")
        assert same == (name not in WITH_LOSS)


def test_a_graph_that_computes_something_else_is_not_kept(source: GraphSource, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = GRAPHS["mapping"](source, "fp32")
    lying = replace(graph, function=lambda z: source.generator.mapping(z) * 1.01)
    with pytest.raises(ExportError, match="w differs by") as caught:
        verify(onnx.load(export_graph(source, "mapping").path), graph, lying)
    assert caught.value.mend
    monkeypatch.setitem(GRAPHS, "mapping", lambda s, p: lying if p == "fp32" else graph)
    twisted = made_from(Generator.from_weights(random_weights(standard_spec(16, 8, 16), seed=9)), source.vgg)
    with pytest.raises(ExportError):
        export_graph(twisted, "mapping", "fp16")
    assert not twisted.key("mapping", "fp16").path.exists()


def test_bfloat16_is_refused_where_nothing_can_verify_it(source: GraphSource) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine's ONNX Runtime may have the kernels")
    with pytest.raises(ExportError, match="cannot be verified in bf16"):
        export_graph(source, "synthesis", "bf16")


def test_an_unknown_graph_is_refused(source: GraphSource) -> None:
    with pytest.raises(ExportError, match="no graph named pixels") as caught:
        export_graph(source, "pixels")
    assert "synthesis" in caught.value.mend


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(Exception, match="cannot load"):
        OnnxRuntimeRunner(ExportedGraph(tmp_path / "broken.onnx", {}, exported=False))


def test_the_gradient_graph_trains_as_pytorch_does(source: GraphSource) -> None:
    """Forty steps of Adam on the graph and on autograd: the same curve."""
    generator, vgg = source.generator, source.vgg
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    options = EmbedOptions(steps=40, learning_rate=0.02, objective=source.objective)
    problem = EmbedProblem(generator, [picture], options, vgg)
    ours, theirs = problem.start(), problem.start()
    runner = OnnxRuntimeRunner(export_graph(source, "objective_gradient"))
    target = to_target(picture).unsqueeze(0)
    features = Objective(target, vgg, source.objective).features
    fixed = {"target": target.numpy(), **{f"target_{name}": value.numpy() for name, value in features.items()}}
    differences = []
    for _ in range(options.steps):
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
    assert curve[-1] < 0.9 * curve[0]
    np.testing.assert_allclose(other, curve, rtol=1e-2)  # Adam amplifies the rounding, here and there


def test_pictures_that_vgg_sees_smaller_can_be_exported_or_the_mend_is_said(source: GraphSource) -> None:
    half = made_from(source.generator, source.vgg, ObjectiveOptions(perceptual_size=16, layer_weights={"conv1_1": 1.0}))
    exported = export_graph(half, "objective_gradient")
    assert exported.record["verification"]["outputs"][1]["relative"] < 1e-3
    uneven = made_from(
        source.generator, source.vgg, ObjectiveOptions(perceptual_size=20, layer_weights={"conv1_1": 1.0})
    )
    with pytest.raises(ExportError, match="cannot be exported") as caught:
        export_graph(uneven, "objective_gradient")
    assert "256" in caught.value.mend
