"""Small networks with random weights as ONNX files: recognisers of nobody, and files that are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_POOLED = 28  # pixels a side that become one


def save_recogniser(
    path: Path,
    shape: Sequence[int | str] = ("N", 3, 112, 112),
    numbers: int = 32,
    scale: float = 1.0,
    norm: bool = False,
) -> Path:
    """A network from pictures [N, 3, H, W] or [N, H, W, 3] to vectors, the same for both layouts.

    Args:
        path: to write.
        shape: of its input.
        numbers: in a vector.
        scale: of the weights; 0 makes vectors of length 0.
        norm: whether it gives the vector's length as a second output.
    """
    weights = np.random.default_rng(1).standard_normal((3 * 4 * 4, numbers)).astype(np.float32) * np.float32(scale)
    nodes = [] if shape[1] == 3 else [helper.make_node("Transpose", ["face"], ["first"], perm=[0, 3, 1, 2])]
    first = "first" if nodes else "face"
    nodes += [
        helper.make_node(
            "AveragePool", [first], ["small"], kernel_shape=[_POOLED, _POOLED], strides=[_POOLED, _POOLED]
        ),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
    ]
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [shape[0], numbers])]
    if norm:
        nodes.append(helper.make_node("ReduceL2", ["vector"], ["length"], keepdims=1))
        outputs.append(helper.make_tensor_value_info("length", TensorProto.FLOAT, [1, 1]))
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, list(shape))
    return _save(path, nodes, [face], outputs, [numpy_helper.from_array(weights, "weights")])


def save_sum(path: Path) -> Path:
    """A network of two pictures, whose result is a picture."""
    pictures = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 112, 112]) for name in ("one", "other")]
    result = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 3, 112, 112])
    return _save(path, [helper.make_node("Add", ["one", "other"], ["sum"])], pictures, [result], [])


def save_copy(path: Path, shape: Sequence[int | str] = (1, 3, 112, 112), kind: int = TensorProto.FLOAT) -> Path:
    """A network that gives what it takes."""
    one, same = (helper.make_tensor_value_info(name, kind, list(shape)) for name in ("one", "same"))
    return _save(path, [helper.make_node("Identity", ["one"], ["same"])], [one], [same], [])


def save_failure(path: Path) -> Path:
    """A network that asks for a fifth colour when it is run."""
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, 112, 112])
    none = helper.make_tensor_value_info("none", TensorProto.FLOAT, [1, 1, 112, 112])
    fifth = numpy_helper.from_array(np.array([4]), "fifth")
    return _save(path, [helper.make_node("Gather", ["face", "fifth"], ["none"], axis=1)], [face], [none], [fifth])


def _save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any]) -> Path:
    graph = helper.make_graph(nodes, "made-for-a-test", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
