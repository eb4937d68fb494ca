"""Every graph, exported and held against PyTorch in ONNX Runtime."""

import numpy as np
import onnx
import pytest

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.graph import EXAMPLE_BATCH
from export.keys import OPSET, Precision
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import compare
from i2s_trt.arrays import Array
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")
EXACT = {"fp32": 1e-4, "fp16": 1e-2}
CASES = [(name, precision) for name in GRAPHS for precision in EXACT if name != "mapping" or precision == "fp32"]


@pytest.fixture
def source() -> GraphSource:
    return slim(64)


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
        exact = EXACT[precision]
        assert output["relative"] < (10 * exact if output["name"] == "gradient" else exact)
        if output["name"] == "pixels":
            assert output["psnr"] is None or output["psnr"] > 45
            assert output["maximum"] <= (1 if precision == "fp32" else 8)
    assert exported.record["verification"]["runtime"].endswith(", CPU")
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
