"""Triton's `config.pbtxt`: a model configuration as nested mappings, written in protobuf's text format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.profiles import BatchProfile

Config = dict[str, Any]
_QUEUE_MICROSECONDS = 1000  # how long a request may wait for company
_TYPES = {
    "FLOAT": "TYPE_FP32", "HALF": "TYPE_FP16", "BF16": "TYPE_BF16", "INT8": "TYPE_INT8", "INT32": "TYPE_INT32",
    "INT64": "TYPE_INT64", "UINT8": "TYPE_UINT8", "BOOL": "TYPE_BOOL",
}  # fmt: skip


class Symbol(str):
    """An enum's value: written without quotes."""

    __slots__ = ()


@dataclass(frozen=True)
class Port:
    """An input or output: TensorRT's name of its type, and -1 for free sides."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def document(self, *, without_batch: bool) -> Config:
        """The tensor as a ModelInput or ModelOutput; Triton adds the batch itself where it batches."""
        dims = self.shape[1:] if without_batch else self.shape
        return {"name": self.name, "data_type": Symbol(_TYPES[self.dtype]), "dims": list(dims)}


def model_config(
    name: str,
    platform: str,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    profile: BatchProfile | None = None,
) -> Config:
    """The configuration of a model.

    Args:
        name: of its folder.
        platform: `tensorrt_plan`, `onnxruntime_onnx` or `ensemble`.
        inputs, outputs: with the batch as their first side where `profile` is given.
        profile: Triton gathers requests into batches of its sizes; without one, requests run as they come.
    """
    config: Config = {
        "name": name,
        "platform": platform,
        "max_batch_size": profile.largest if profile else 0,
        "input": [port.document(without_batch=profile is not None) for port in inputs],
        "output": [port.document(without_batch=profile is not None) for port in outputs],
    }
    preferred = sorted({profile.tuned, profile.largest} - {1}) if profile else []
    if preferred:
        config["dynamic_batching"] = {
            "preferred_batch_size": preferred,
            "max_queue_delay_microseconds": _QUEUE_MICROSECONDS,
        }
    return config


def step(model: str, inputs: Sequence[str], outputs: Sequence[str]) -> Config:
    """A step of an ensemble, in which tensors are called as the model calls them."""
    return {
        "model_name": model,
        "model_version": -1,
        "input_map": [{"key": name, "value": name} for name in inputs],
        "output_map": [{"key": name, "value": name} for name in outputs],
    }


def to_text(config: Mapping[str, Any], comment: str) -> str:
    """The configuration in protobuf's text format, under a comment."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + "\n".join(_lines(config, "")) + "\n"


def _lines(message: Mapping[str, Any], indent: str) -> Iterator[str]:
    for field, value in message.items():
        if isinstance(value, list) and value and not isinstance(value[0], Mapping):
            yield f"{indent}{field}: [ {', '.join(map(_scalar, value))} ]"
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield f"{indent}{field} {{"
                yield from _lines(item, indent + "  ")
                yield f"{indent}}}"
            else:
                yield f"{indent}{field}: {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (Symbol, int)) else json.dumps(value)
