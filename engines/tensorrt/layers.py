"""What an engine is made of: its layers as TensorRT prints them, kernel by kernel after fusion.

The inspector needs the engine on a GPU. Where there is none, the builder's own log has the same table: TensorRT-RTX
prints it at the end of every build.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from engines.cuda.gpu import driver_fault

_TITLE = "Layers:"
_FIELD = re.compile(r"(?:^|, )(Name|LayerType|Inputs|Constants|Outputs|TacticName|StreamId|Metadata): ")
_TENSOR = re.compile(r"\{ Name: ([^,]*), Dimensions: \[([^]]*)\].*?(?:Datatype|Format/Datatype): ([^,}]*)")
_ACTIVATIONS = re.compile(r"Total Activation Memory: (\d+)")


@dataclass(frozen=True)
class Layer:
    """One kernel of an engine.

    Attributes:
        name: made by TensorRT from what it fuses.
        kind: such as `gemm`, `kgen` (a generated kernel) or `shape_call`.
        outputs: `type[sides]` each, -1 for the batch.
        nodes: names of the ONNX nodes in it, where TensorRT reports them.
    """

    name: str
    kind: str
    outputs: tuple[str, ...]
    nodes: tuple[str, ...]


def inspection_text(trt: ModuleType, plan: bytes, messages: Sequence[Any], logger: Any) -> str:
    """The layer table of a plan that has just been built, as text; empty where neither log nor GPU gives one.

    Args:
        trt: the TensorRT module that built it.
        plan: its bytes.
        messages: what the builder logged.
        logger: for a TensorRT runtime.
    """
    logged = [message.text for message in messages if message.text.startswith(_TITLE)]
    if logged:
        return "\n\n".join(dict.fromkeys(logged))  # one a target
    if driver_fault():
        return ""
    runtime = trt.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        return ""
    inspector = engine.create_engine_inspector()
    return str(inspector.get_engine_information(trt.LayerInformationFormat.ONELINE))


def activation_bytes(messages: Sequence[Any]) -> int:
    """Device memory that the largest batch needs for activations, as the builder logged it; 0 where it did not."""
    found = [int(match[1]) for message in messages if (match := _ACTIVATIONS.search(message.text))]
    return max(found, default=0)


def parse_layers(text: str) -> list[Layer]:
    """The layers in TensorRT's one-line format."""
    lines = [line for line in text.splitlines() if line.startswith("Name: ") and "LayerType: " in line]
    return [_layer(line) for line in lines]


def _layer(line: str) -> Layer:
    _, *parts = _FIELD.split(line)
    fields: Mapping[str, str] = dict(zip(parts[::2], parts[1::2], strict=True))
    outputs = tuple(f"{kind.strip()}[{sides}]" for _, sides, kind in _TENSOR.findall(fields.get("Outputs", "")))
    nodes = tuple(re.findall(r"\[ONNX Layer: ([^]]*)\]", fields.get("Metadata", "")))
    return Layer(fields["Name"], fields.get("LayerType", ""), outputs, nodes)
