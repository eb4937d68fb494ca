"""A strict reader of Triton's configurations, and engines to write repositories from."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx

from engines.inference_server.config import Symbol
from engines.plan import EngineRequest, Prospect
from engines.profiles import BatchProfile
from engines.tensorrt.builder import Plan, Tensor
from engines.tensorrt.cache import EngineKey, build_once
from export.keys import ExportedGraph
from export.library import export_graph
from export.source import GraphSource

PROFILE = BatchProfile(1, 4, 8)

# The fields of Triton's ModelConfig that are written here, by message; a tuple stands for a repeated field.
TENSOR = {"name": str, "data_type": Symbol, "dims": (int,)}
MAP_ENTRY = {"key": str, "value": str}
STEP = {"model_name": str, "model_version": int, "input_map": (MAP_ENTRY,), "output_map": (MAP_ENTRY,)}
MODEL_CONFIG = {
    "name": str,
    "platform": str,
    "max_batch_size": int,
    "input": (TENSOR,),
    "output": (TENSOR,),
    "dynamic_batching": {"preferred_batch_size": (int,), "max_queue_delay_microseconds": int},
    "ensemble_scheduling": {"step": (STEP,)},
}
DATA_TYPES = {"TYPE_FP32", "TYPE_FP16", "TYPE_UINT8"}
TOKEN = re.compile(r'\s*(?:#[^\n]*\n\s*)*("(?:[^"\\]|\\.)*"|-?\d+|[A-Za-z_]\w*|[{}\[\]:,])')


def parse(text: str) -> dict[str, Any]:
    """A strict reader of protobuf's text format: unknown fields, wrong types and repeated singular fields fail."""
    tokens = iter(_tokens(text))
    found = _message(tokens, MODEL_CONFIG, end="")
    assert {port["data_type"] for port in [*found["input"], *found["output"]]} <= DATA_TYPES
    return found


def _tokens(text: str) -> Iterator[str]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        assert match, text[position : position + 40]
        yield match[1]
        position = match.end()
    yield ""


def _message(tokens: Iterator[str], schema: dict[str, Any], end: str) -> dict[str, Any]:
    found: dict[str, Any] = {field: [] for field, kind in schema.items() if isinstance(kind, tuple)}
    while (field := next(tokens)) != end:
        kind = schema[field]
        repeated, element = isinstance(kind, tuple), kind[0] if isinstance(kind, tuple) else kind
        if isinstance(element, dict):
            assert next(tokens) == "{"
            values = [_message(tokens, element, "}")]
        else:
            assert next(tokens) == ":"
            values = list(_values(tokens, element, repeated))
        if repeated:
            found[field] += values
        else:
            assert field not in found
            (found[field],) = values
    return found


def _values(tokens: Iterator[str], kind: type, repeated: bool) -> Iterator[Any]:
    token = next(tokens)
    if token != "[":
        yield _scalar(token, kind)
        return
    assert repeated
    while token != "]":
        yield _scalar(next(tokens), kind)
        token = next(tokens)
        assert token in {",", "]"}


def _scalar(token: str, kind: type) -> Any:
    if kind is str:
        assert token[0] == token[-1] == '"'
        return token[1:-1]
    if kind is int:
        return int(token)
    assert re.fullmatch(r"[A-Z_0-9]+", token)
    return token


def onnx_prospect(source: GraphSource, graph: str, profile: BatchProfile = PROFILE) -> Prospect:
    exported = export_graph(source, graph)
    return Prospect(EngineRequest("onnxruntime", graph, "fp32", profile), exported, None, "key", 1)


def plan_prospect(source: GraphSource, graph: str, profile: BatchProfile = PROFILE) -> Prospect:
    """What a build on a GPU machine leaves: TensorRT itself cannot build here, so the plan's bytes are made up."""
    exported = export_graph(source, graph)
    model = onnx.load(exported.path).graph
    key = EngineKey(graph, "fp32", exported.record["sha256"], "tensorrt", "11.4.0.106", profile, device="NVIDIA L4")
    plan = Plan(b"a plan of " + graph.encode(), _tensors(model.input), _tensors(model.output), 1, 0.1, 0.1)
    entry, _ = build_once(key, lambda: plan)
    return Prospect(EngineRequest("tensorrt", graph, "fp32", profile), exported, entry, key.digest(), 1)


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> tuple[Tensor, ...]:
    kinds = {int(onnx.TensorProto.FLOAT): "FLOAT", int(onnx.TensorProto.UINT8): "UINT8"}
    return tuple(
        Tensor(
            value.name,
            kinds[value.type.tensor_type.elem_type],
            tuple(side.dim_value or -1 for side in value.type.tensor_type.shape.dim),
        )
        for value in values
    )


def config_of(folder: Path, name: str) -> dict[str, Any]:
    found = parse((folder / name / "config.pbtxt").read_text())
    assert found["name"] == name
    return found


def port(name: str, kind: str, *dims: int) -> dict[str, Any]:
    return {"name": name, "data_type": kind, "dims": list(dims)}


def exported_of(prospect: Prospect) -> ExportedGraph:
    assert prospect.exported is not None
    return prospect.exported
