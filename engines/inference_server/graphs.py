"""ONNX files for Triton: a graph with its constants inside, and a graph that does nothing but give constants."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engines.inference_server.config import Port
from export.keys import OPSET
from i2s_trt.arrays import Array

if TYPE_CHECKING:
    import onnx
_IR_VERSION = 10
_NAMES = {"FLOAT16": "HALF", "BFLOAT16": "BF16"}  # ONNX -> TensorRT, where they differ
_ONNX_NAMES = {theirs: name for name, theirs in _NAMES.items()}


def with_constants(data: bytes, constants: Mapping[str, Array]) -> bytes:
    """A graph in which these inputs have default values.

    They remain inputs, so that ONNX Runtime does not fold them with their weights into constants several times the
    file's size, but they do not have to be fed: ONNX Runtime lists them apart, as overridable initializers.

    Args:
        data: an ONNX file with its weights inside.
        constants: arrays by input name.
    """
    import onnx

    model = onnx.load_from_string(data)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in constants.items())
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def constants_model(trigger: Port, constants: Mapping[str, Array]) -> bytes:
    """A graph that gives `constants` whatever its input `trigger` holds."""
    import onnx
    from onnx import helper, numpy_helper

    nodes = [helper.make_node("Identity", [f"value_of_{name}"], [name], name=f"give_{name}") for name in constants]
    outputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in constants.items()
    ]
    kind = onnx.TensorProto.DataType.Value(_ONNX_NAMES.get(trigger.dtype, trigger.dtype))
    sides = ["N" if side < 0 else side for side in trigger.shape]
    values = [numpy_helper.from_array(array, f"value_of_{name}") for name, array in constants.items()]
    graph = helper.make_graph(
        nodes, "constants", [helper.make_tensor_value_info(trigger.name, kind, sides)], outputs, values
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def ports(values: "Sequence[onnx.ValueInfoProto]") -> list[Port]:
    """Inputs or outputs of a graph."""
    return [_port(value) for value in values]


def _port(value: "onnx.ValueInfoProto") -> Port:
    import onnx

    kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    sides = value.type.tensor_type.shape.dim
    return Port(
        value.name, _NAMES.get(kind, kind), tuple(s.dim_value if s.HasField("dim_value") else -1 for s in sides)
    )


def load_constants(path: Path) -> dict[str, Array]:
    """The stored noise of a graph; empty for graphs without."""
    from safetensors.numpy import load_file

    return dict(load_file(path)) if path.is_file() else {}
