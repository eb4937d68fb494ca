"""Traces a graph into an ONNX file, with a free batch size and its provenance in the metadata."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from export.bfloat16 import keep_transposed_convolutions
from export.forward_only import forward_only
from export.graph import Graph
from export.keys import OPSET
from i2s_trt import __version__

if TYPE_CHECKING:
    import onnx

MAX_BATCH = 64


class _Function(nn.Module):
    """A function in the dress that the exporter wants."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self._graph.function(*inputs)


def to_onnx(graph: Graph) -> "onnx.ModelProto":
    """The graph as an ONNX model with metadata; weights inside."""
    batch = torch.export.Dim("N", min=1, max=MAX_BATCH)
    shapes = tuple({0: batch} if name in graph.batched else {} for name in graph.examples)
    module = forward_only(graph.function, list(graph.examples.values())) if graph.differentiates else _Function(graph)
    with _quiet():
        program = torch.onnx.export(
            module,
            tuple(graph.examples.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.examples),
            output_names=list(graph.outputs),
            dynamic_shapes=shapes if graph.differentiates else (shapes,),
            verbose=False,
        )
    model: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]
    if graph.precision == "bf16":
        keep_transposed_convolutions(model)
    for key, value in metadata(graph).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return model


def metadata(graph: Graph) -> dict[str, str]:
    """What an ONNX file says about itself."""
    return {
        "i2s_trt.graph": graph.name,
        "i2s_trt.precision": graph.precision,
        "i2s_trt.model_digest": graph.model_digest,
        "i2s_trt.version": __version__,
        "i2s_trt.opset": str(OPSET),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs and warns about optional packages and its own internals."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
