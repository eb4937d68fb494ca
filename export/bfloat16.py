"""What bfloat16 graphs need beyond the exporter: one operator kept in float32, and a form that a CPU can run.

ONNX Runtime's CPU provider has no bfloat16 kernels. A file is proven all the same: its values are widened to float32,
which changes none of them, and that file runs. What it cannot show is the rounding between operators.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def keep_transposed_convolutions(model: "onnx.ModelProto") -> int:
    """Let transposed convolutions compute in float32, between casts: TensorRT-RTX has none in bfloat16.

    Returns:
        How many there are.
    """
    from onnx import TensorProto, helper

    wide, narrow = TensorProto.FLOAT, TensorProto.BFLOAT16
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}

    def nodes() -> Iterator["onnx.NodeProto"]:
        for node in model.graph.node:
            if node.op_type != "ConvTranspose" or kinds.get(node.input[1]) != narrow:
                yield node
                continue
            for place, name in enumerate(node.input):
                node.input[place] = f"{node.name}_wide_{place}"
                yield helper.make_node("Cast", [name], [node.input[place]], name=node.input[place], to=wide)
            result, node.output[0] = node.output[0], f"{node.name}_wide"
            yield node
            yield helper.make_node("Cast", [node.output[0]], [result], name=f"{node.name}_narrow", to=narrow)

    before, changed = len(model.graph.node), list(nodes())
    del model.graph.node[:]
    model.graph.node.extend(changed)
    return (len(changed) - before) // 3


def widened(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy in which everything that is bfloat16 is float32, with the same values."""
    import onnx
    from onnx import TensorProto, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)

    def widen(tensors: Iterable["onnx.TensorProto"]) -> None:
        for tensor in tensors:
            if tensor.data_type == TensorProto.BFLOAT16:
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))

    widen(copy.graph.initializer)
    for value in (*copy.graph.value_info, *copy.graph.input, *copy.graph.output):
        if value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for attribute in (attribute for node in copy.graph.node for attribute in node.attribute):
        if attribute.type == onnx.AttributeProto.TENSOR:
            widen([attribute.t])
        if attribute.name in {"to", "dtype"} and attribute.i == TensorProto.BFLOAT16:
            attribute.i = TensorProto.FLOAT
    return copy
