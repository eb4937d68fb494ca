"""What TensorRT says when it refuses a graph, as errors that name the node and a hint."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.errors import EngineError
from engines.tensorrt.module import complaints

_HINTS = {
    "uint8": "make the cast to uint8 the graph's very last operation; TensorRT takes these bytes nowhere else",
    "same input types": "bring both inputs to one type with a Cast: the network is strongly typed",
    "plugin not found": "write it with operators of the ONNX standard",
}
_BUILD_HINTS = {
    "profile": "give each input with a free batch a profile: --batch 1,4,8",
    "outofmemory": "give smaller batches, such as --batch 1",
    "could not infer output types": "take --precision fp16: this builder has no kernel for that operation in its type",
}


def refused(parser: Any, logger: Any, onnx: Path) -> EngineError:
    """Why the parser does not take a file."""
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    named = [error for error in errors if error.node_operator()]
    if not named:
        reason = _tidy(errors[0].desc() if errors else complaints(logger))
        return EngineError(f"TensorRT cannot read {onnx}: {reason}", "delete the file, so that it is exported anew")
    node, operator, reason = named[0].node_name(), named[0].node_operator(), _tidy(named[0].desc())
    return EngineError(
        f"{onnx.name}: TensorRT refuses node {node or 'without a name'} ({operator}): {reason}",
        _hint(_HINTS, reason, "graphs that i2s-trt exports are accepted: export this one again, or change the node"),
    )


def failed(logger: Any, onnx: Path) -> EngineError:
    """Why the builder gave nothing."""
    reason = _tidy(complaints(logger) or "it gave no reason")
    hint = _hint(_BUILD_HINTS, reason, "export the graph again, in another --precision if need be")
    return EngineError(f"TensorRT could not build {onnx.name}: {reason}", hint)


def check_profile(network: Any, shapes: Mapping[str, Any], onnx: Path) -> None:
    """Raise EngineError for an input with a free side that has no profile, or one of other sides."""
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        sides = tuple(tensor.shape)
        given = shapes.get(tensor.name, (sides,))[0]
        if -1 in given or len(given) != len(sides) or any(s not in (-1, g) for s, g in zip(sides, given, strict=True)):
            raise EngineError(
                f"{onnx.name}: input {tensor.name} has the shape {list(sides)} and "
                + (f"a profile for {list(given)}" if tensor.name in shapes else "no profile"),
                _BUILD_HINTS["profile"],
            )


def _hint(hints: Mapping[str, str], reason: str, otherwise: str) -> str:
    return next((hint for sign, hint in hints.items() if sign in reason.lower()), otherwise)


def _tidy(reason: str) -> str:
    """Without the places in TensorRT's source, and without the CUDA errors that a machine without GPU adds."""
    return re.sub(r" (?:In \w+ )?at /_src\S*|\[?checkMacros\.cpp.*", "", " ".join(reason.split()))[:300].rstrip()
