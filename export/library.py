"""Exports graphs into the library: a folder a model, each file with a record that says what it is and how exact."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from export.errors import ExportError
from export.graph import Graph
from export.keys import WITH_LOSS, ExportedGraph, GraphKey, Precision, find_graph
from export.onnx_export import to_onnx
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import verify
from i2s_trt.files import file_digest, guard_os_errors, make_folder, remove_leftovers, write_bytes

if TYPE_CHECKING:
    import onnx

_FORMAT = 1
_SIZE_HINT = "a --perceptual-size that divides the picture's side, such as 256, can be"
_TRACE_HINT = "--engine torch needs no graph; i2s-trt doctor says which torch, onnx and onnxscript are installed"


def export_graph(source: GraphSource, name: str, precision: Precision = "fp32") -> ExportedGraph:
    """Export and verify a graph, unless it is there already.

    Raises:
        ExportError: no such graph, or it does not compute what PyTorch does; nothing is kept then.
        EnvironmentFault: the folder cannot be written.
    """
    if name not in GRAPHS:
        raise ExportError(f"no graph named {name}", f"there are {', '.join(GRAPHS)}")
    key = source.key(name, precision)
    found = find_graph(key)
    if found:
        return found
    from filelock import FileLock

    make_folder(key.path.parent)
    with guard_os_errors(key.path), FileLock(key.path.with_suffix(".lock")):
        return find_graph(key) or _export(source, key, name, precision)


def remove_graph(path: Path) -> int | None:
    """Delete a graph of the library with its record; returns the bytes freed, or None while somebody exports it.

    Raises:
        EnvironmentFault: it cannot be deleted.
    """
    from filelock import FileLock, Timeout

    graph = ExportedGraph(path, {}, exported=False)
    with guard_os_errors(path):
        try:
            lock = FileLock(path.with_suffix(".lock")).acquire(timeout=0)
        except Timeout:
            return None
        with lock:
            files = [file for file in (graph.json, path, graph.defaults) if file.is_file()]
            size = sum(file.stat().st_size for file in files)
            for file in files:
                remove_leftovers(file)
                file.unlink()
            return size


def _export(source: GraphSource, key: GraphKey, name: str, precision: Precision) -> ExportedGraph:
    graph = GRAPHS[name](source, precision)
    model = _trace(graph)
    verification = verify(model, graph, graph if precision == "fp32" else GRAPHS[name](source, "fp32"))
    exported = ExportedGraph(key.path, {}, exported=True)
    for path in (key.path, exported.defaults, exported.json):
        remove_leftovers(path)
    write_bytes(key.path, model.SerializeToString())
    if graph.defaults:
        from safetensors.torch import save

        write_bytes(exported.defaults, save({k: v.contiguous() for k, v in graph.defaults.items()}))
    record = {
        "format": _FORMAT,
        "key": key.document(),
        "sha256": file_digest(key.path),
        "defaults_sha256": file_digest(exported.defaults) if graph.defaults else "",
        "inputs": {k: ["N", *v.shape[1:]] if k in graph.batched else list(v.shape) for k, v in graph.examples.items()},
        "outputs": list(graph.outputs),
        "nodes": len(model.graph.node),
        "verification": verification.to_json(),
    }
    write_bytes(exported.json, json.dumps(record, indent=2).encode())
    return ExportedGraph(key.path, record, exported=True)


def _trace(graph: Graph) -> "onnx.ModelProto":
    """The graph as an ONNX model. Raises ExportError when the exporter does not know an operation of it."""
    try:
        return to_onnx(graph)
    except (ModuleNotFoundError, MemoryError):
        raise
    except Exception as error:  # the exporter raises types of its own, a page long
        reason = " ".join(str(error.__cause__ or error).split())[:300]
        hint = _SIZE_HINT if graph.name in WITH_LOSS else _TRACE_HINT
        raise ExportError(f"the {graph.name} graph cannot be exported: {reason}", hint) from error
