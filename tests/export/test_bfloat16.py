"""bfloat16 graphs: proven with their values widened, since no CPU kernels exist."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.bfloat16 import keep_transposed_convolutions, widened
from export.errors import ExportError
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import verify
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")


@pytest.fixture
def source() -> GraphSource:
    return slim(16, 8, 16)


@pytest.fixture
def model(source: GraphSource) -> onnx.ModelProto:
    return onnx.load(export_graph(source, "synthesis", "bf16").path)


def kinds(model: onnx.ModelProto) -> dict[str, int]:
    values = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in model.graph.initializer
    }


def test_the_record_says_how_it_was_verified(source: GraphSource) -> None:
    verification = export_graph(source, "synthesis", "bf16").record["verification"]
    assert "bfloat16 widened to float32" in verification["runtime"]
    (pixels,) = verification["outputs"]
    assert 30 < pixels["psnr"] < 55  # eight bits of mantissa show


def test_convolutions_are_sixteen_bits_wide_and_transposed_ones_are_not(model: onnx.ModelProto) -> None:
    kind = kinds(model)
    operators = {"Conv": TensorProto.BFLOAT16, "ConvTranspose": TensorProto.FLOAT}
    for operator, expected in operators.items():
        nodes = [node for node in model.graph.node if node.op_type == operator]
        assert nodes
        casts = {node.output[0]: node for node in model.graph.node if node.op_type == "Cast"}
        for node in nodes:
            for name in node.input:
                found = casts[name].attribute[0].i if name in casts else kind[name]
                assert found == expected
    assert keep_transposed_convolutions(model) == 0  # they are kept already


def test_widening_changes_types_and_no_value(model: onnx.ModelProto) -> None:
    wide = widened(model)
    assert TensorProto.BFLOAT16 in kinds(model).values()
    assert TensorProto.BFLOAT16 not in kinds(wide).values()
    onnx.checker.check_model(wide, full_check=True)
    for before, after in zip(model.graph.initializer, wide.graph.initializer, strict=True):
        one, other = numpy_helper.to_array(before), numpy_helper.to_array(after)
        np.testing.assert_array_equal(one.astype(np.float64), other.astype(np.float64))


def test_widening_reaches_constants_and_casts() -> None:
    half = numpy_helper.from_array(
        np.array([0.5], np.float32).astype(helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16))
    )
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.BFLOAT16),
        helper.make_node("Constant", [], ["c"], value=half),
        helper.make_node("Mul", ["a", "c"], ["b"]),
        helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph(nodes, "constant", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(widened(model).SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.array([3], np.float32)})[0] == [1.5]


def test_a_wrong_weight_is_seen(source: GraphSource, model: onnx.ModelProto) -> None:
    weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
    array = numpy_helper.to_array(weight)
    weight.CopyFrom(numpy_helper.from_array(np.flip(array, -1).copy(), weight.name))
    with pytest.raises(ExportError, match="off"):
        verify(model, GRAPHS["synthesis"](source, "bf16"), GRAPHS["synthesis"](source, "fp32"))
