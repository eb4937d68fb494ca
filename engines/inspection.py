"""The kernels of what has been built, for people who want to know what runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.plan import Prospect
from engines.tensorrt.cache import Entry
from engines.tensorrt.layers import Layer, parse_layers
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Kernels:
    """Layers, and who lists them."""

    source: str
    layers: tuple[Layer, ...]


def kernels_of(prospect: Prospect) -> Kernels:
    """The layers of an engine. ONNX Runtime fuses when it loads a graph and lists nothing: there, the graph's nodes.

    Raises:
        UsageError: it is not built.
    """
    if prospect.exported is None or not prospect.complete:
        raise UsageError(f"the {prospect.request.graph} engine is not built", "leave out --dry-run")
    if not isinstance(prospect.engine, Entry):
        return Kernels(
            "nodes of the ONNX graph; ONNX Runtime fuses them when it loads", tuple(_nodes(prospect.exported.path))
        )
    path = prospect.engine.layers
    if not path.is_file():
        return Kernels("TensorRT did not list the kernels of this engine", ())
    layers = tuple(parse_layers(path.read_text()))
    return Kernels(f"{len(layers)} kernels after fusion, as TensorRT lists them; all it says is in {path}", layers)


def _nodes(path: Path) -> Iterator[Layer]:
    import onnx

    graph = onnx.load(path).graph
    values = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.output)}
    for node in graph.node:
        yield Layer(
            node.name, node.op_type, tuple(_describe(values[n]) for n in node.output if n in values), (node.name,)
        )


def _describe(tensor: "onnx.TypeProto.Tensor") -> str:
    import onnx

    sides = [str(side.dim_value) if side.HasField("dim_value") else "-1" for side in tensor.shape.dim]
    return f"{onnx.TensorProto.DataType.Name(tensor.elem_type).title()}[{','.join(sides)}]"
