"""Exported files on the disk: a folder a model, each file with a record that says what it is and how exact."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.graph import Precision
from export.onnx_export import OPSET, to_onnx
from export.registry import GRAPHS, WITH_LOSS, GraphSource
from export.verify import ExportError, verify
from i2s_trt import __version__
from i2s_trt.files import file_digest, home, make_folder, write_bytes
from i2s_trt.machine import package_version

_FORMAT = 1
_TOOLS = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class ExportedGraph:
    """One verified ONNX file.

    Attributes:
        path: of the ONNX file; `.json` beside it is the record, `.defaults.safetensors` the stored noise.
        record: graph, precision, digests, versions, inputs, outputs and measured errors.
        exported: whether this call made it; False when it was there.
    """

    path: Path
    record: dict[str, Any]
    exported: bool

    @property
    def defaults(self) -> Path:
        """The values of the inputs that are constants of the model."""
        return self.path.with_suffix(".defaults.safetensors")


@dataclass(frozen=True)
class GraphKey:
    """What an exported graph is made from; the tools that make it come on top.

    Attributes:
        model_digest: of the generator.
        name, precision: of the graph.
        features_digest, objective_digest: of VGG's weights and the loss settings, for the graphs that hold a loss.
    """

    model_digest: str
    name: str
    precision: Precision
    features_digest: str = ""
    objective_digest: str = ""

    @classmethod
    def of(cls, source: GraphSource, name: str, precision: Precision) -> "GraphKey":
        """The key of a graph made from a source."""
        if name not in WITH_LOSS:
            return cls(source.generator.digest, name, precision)
        objective = hashlib.sha256(repr(source.objective).encode()).hexdigest()
        return cls(source.generator.digest, name, precision, source.vgg.source.digest, objective)

    def document(self) -> dict[str, str]:
        """Everything that determines the file, as JSON values."""
        tools = {tool: package_version(tool) for tool in _TOOLS}
        return {**asdict(self), "opset": str(OPSET), "i2s_trt": __version__, **tools}

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        return graphs_folder() / self.model_digest[:16] / f"{self.name}-{self.precision}.onnx"


def graphs_folder() -> Path:
    """Where exported graphs are kept."""
    return home() / "graphs"


def find_graph(key: GraphKey) -> ExportedGraph | None:
    """An exported and verified graph of this key and these tools; None when it is missing or damaged."""
    try:
        record = json.loads(key.path.with_suffix(".json").read_text())
        if record["key"] != key.document() or record["sha256"] != file_digest(key.path):
            return None
        return ExportedGraph(key.path, record, exported=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def export_graph(source: GraphSource, name: str, precision: Precision = "fp32") -> ExportedGraph:
    """Export and verify a graph, unless it is there already.

    Raises:
        ExportError: no such graph, or it does not compute what PyTorch does; nothing is kept then.
        EnvironmentFault: the folder cannot be written.
    """
    if name not in GRAPHS:
        raise ExportError(f"no graph named {name}", f"there are {', '.join(GRAPHS)}")
    key = GraphKey.of(source, name, precision)
    found = find_graph(key)
    if found:
        return found
    graph, reference = GRAPHS[name](source, precision), GRAPHS[name](source, "fp32")
    model = to_onnx(graph)
    verification = verify(model, graph, reference)
    make_folder(key.path.parent)
    exported = ExportedGraph(key.path, {}, exported=True)
    write_bytes(key.path, model.SerializeToString())
    if graph.defaults:
        from safetensors.torch import save

        write_bytes(exported.defaults, save({k: v.contiguous() for k, v in graph.defaults.items()}))
    record = {
        "format": _FORMAT,
        "key": key.document(),
        "sha256": file_digest(key.path),
        "inputs": {k: ["N", *v.shape[1:]] if k in graph.batched else list(v.shape) for k, v in graph.examples.items()},
        "outputs": list(graph.outputs),
        "nodes": len(model.graph.node),
        "verification": verification.to_json(),
    }
    write_bytes(key.path.with_suffix(".json"), json.dumps(record, indent=2).encode())
    return ExportedGraph(key.path, record, exported=True)
