"""Real builds by TensorRT-RTX, without a GPU; and the graphs it must refuse."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.builder import BuildOptions, build_plan
from engines.profiles import BatchProfile, parse_batches
from engines.tensorrt_module import EngineError, load_tensorrt
from export.keys import ExportedGraph, Precision
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.machine import package_version
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

pytestmark = pytest.mark.usefixtures("module_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
OPTIONS = BuildOptions("tensorrt-rtx", BatchProfile(1, 4, 8), ("sm86", "sm89", "sm120"))


def made_from(generator: Generator, vgg: Vgg16, objective: ObjectiveOptions | None = None) -> GraphSource:
    """A source of networks that are loaded already."""
    return GraphSource(lambda: generator, lambda: vgg, objective, generator.digest)


def source(resolution: int, channels: int, vgg: Vgg16) -> GraphSource:
    spec = standard_spec(resolution, channels, 20)
    return made_from(Generator.from_weights(random_weights(spec, seed=3)), vgg)


def check_plan(exported: ExportedGraph, options: BuildOptions = OPTIONS) -> int:
    """Build, compare inputs and outputs with the record, and return the plan's size in bytes."""
    plan = build_plan(exported.path, exported.record["inputs"], options)
    found = {tensor.name: tensor for tensor in plan.inputs}
    for name, shape in exported.record["inputs"].items():
        assert found[name].shape == tuple(-1 if side == "N" else side for side in shape)
        assert found[name].dtype == "FLOAT"
    assert [tensor.name for tensor in plan.outputs] == exported.record["outputs"]
    for tensor in plan.outputs:
        assert tensor.shape[0] == -1
        assert tensor.dtype == ("UINT8" if tensor.name == "pixels" else "FLOAT")
    assert plan.layers > 5
    return len(plan.data)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", list(GRAPHS))
def test_every_graph_builds_at_64(name: str, precision: Precision, vgg: Vgg16) -> None:
    check_plan(export_graph(source(64, 16, vgg), name, precision))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("resolution", "channels"), [(128, 32), (1024, 16)])
def test_noise_is_not_folded_into_the_plan(resolution: int, channels: int, precision: Precision, vgg: Vgg16) -> None:
    made = source(resolution, channels, vgg)
    noise_folded = sum(
        made.generator.spec.layer_channels(i) * made.generator.spec.layer_resolution(i) ** 2
        for i in range(made.generator.num_layers)
    ) * (4 if precision == "fp32" else 2)
    size = check_plan(export_graph(made, "synthesis", precision))
    code = 8 << 20  # kernels for three targets
    weights = sum(p.numel() for p in made.generator.synthesis.parameters()) * (4 if precision == "fp32" else 2)
    assert size < 2 * weights + code
    if resolution == 1024:
        assert size < noise_folded


def test_a_plan_without_targets_and_with_true_float32_builds(vgg: Vgg16) -> None:
    exported = export_graph(source(64, 16, vgg), "mapping")
    assert check_plan(exported, BuildOptions("tensorrt-rtx", BatchProfile(2, 2, 2), tf32=False)) > 0


def test_the_report_sees_steps_and_can_cancel(vgg: Vgg16) -> None:
    exported = export_graph(source(64, 16, vgg), "synthesis")
    seen: list[tuple[str, int, int]] = []

    def watch(phase: str, step: int, steps: int) -> None:
        seen.append((phase, step, steps))

    build_plan(exported.path, exported.record["inputs"], OPTIONS, watch)
    assert seen
    assert all(0 < step <= max(step, steps) for _, step, steps in seen)
    with pytest.raises(EngineError, match="cancelled"):
        build_plan(exported.path, exported.record["inputs"], OPTIONS, lambda *_: True)


def save(path: Path, node: onnx.NodeProto, kind: int = TensorProto.FLOAT, *weights: np.ndarray) -> Path:
    """A graph of one node `x` -> `y`."""
    initializers = [numpy_helper.from_array(weight, f"c{i}") for i, weight in enumerate(weights)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", kind, [4])
    graph = helper.make_graph([node], "negative", [x], [y], initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("custom", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 10
    onnx.save(model, path)
    return path


def test_an_operator_it_does_not_know_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "custom.onnx", helper.make_node("Foo", ["x"], ["y"], name="the_culprit", domain="custom"))
    with pytest.raises(EngineError, match="the_culprit") as caught:
        build_plan(path, {"x": [4]}, OPTIONS)
    assert "Foo" in str(caught.value)
    assert caught.value.mend


def test_mixed_types_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "c0"], ["y"], name="half_and_float")
    path = save(tmp_path / "mixed.onnx", node, TensorProto.FLOAT, np.ones(4, np.float16))
    with pytest.raises(EngineError, match=r"half_and_float|mixed") as caught:
        build_plan(path, {"x": [4]}, OPTIONS)
    assert caught.value.mend


def test_uint8_in_the_middle_is_refused(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    down = helper.make_node("Cast", ["x"], ["u"], name="to_bytes", to=TensorProto.UINT8)
    back = helper.make_node("Cast", ["u"], ["y"], name="from_bytes", to=TensorProto.FLOAT)
    model = helper.make_model(
        helper.make_graph([down, back], "middle", [x], [y]), opset_imports=[helper.make_opsetid("", 18)]
    )
    model.ir_version = 10
    onnx.save(model, tmp_path / "middle.onnx")
    with pytest.raises(EngineError) as caught:
        build_plan(tmp_path / "middle.onnx", {"x": [4]}, OPTIONS)
    assert caught.value.mend


def test_a_missing_profile_is_explained(vgg: Vgg16) -> None:
    exported = export_graph(source(64, 16, vgg), "mapping")
    with pytest.raises(EngineError) as caught:
        build_plan(exported.path, {}, OPTIONS)
    assert "--batch 1,4,8" in caught.value.mend


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(EngineError):
        build_plan(tmp_path / "text.onnx", {}, OPTIONS)


@pytest.mark.parametrize("target", ["sm90", "ada", "sm"])
def test_an_unknown_target_is_refused_with_the_list(target: str, vgg: Vgg16) -> None:
    exported = export_graph(source(64, 16, vgg), "mapping")
    with pytest.raises(UsageError, match=target) as caught:
        build_plan(
            exported.path, exported.record["inputs"], BuildOptions("tensorrt-rtx", BatchProfile(1, 1, 1), (target,))
        )
    assert "sm89" in caught.value.mend


def test_a_missing_backend_names_the_pip_line() -> None:
    with pytest.raises(UsageError, match="no engine backend named openvino"):
        load_tensorrt("openvino")
    if not package_version("tensorrt"):
        with pytest.raises(EnvironmentFault, match="tensorrt is not installed") as caught:
            load_tensorrt("tensorrt")
        assert "pip install 'i2s-trt[gpu]'" in caught.value.mend


def test_batches_become_profiles() -> None:
    assert parse_batches("8, 1,4") == BatchProfile(1, 4, 8)
    assert parse_batches("2") == BatchProfile(2, 2, 2)
    assert BatchProfile(1, 4, 8).shapes({"w_plus": ["N", 6, 24], "noise_0": [1, 1, 4, 4]}) == {
        "w_plus": ((1, 6, 24), (4, 6, 24), (8, 6, 24))
    }
    for wrong in ("", "0", "65", "1;2", "-1", "a", "²"):
        with pytest.raises(UsageError):
            parse_batches(wrong)
