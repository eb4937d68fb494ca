"""What exported graphs are called, made from and kept as; needs neither torch nor onnx."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from i2s_trt import __version__
from i2s_trt.files import file_digest, home
from i2s_trt.machine import package_version

Precision = Literal["fp32", "fp16", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16")
GRAPH_NAMES = ("mapping", "synthesis", "images", "preview", "tuned", "features", "objective", "objective_gradient")
TRAINED_GRAPHS = ("encoder",)  # of networks that have to be trained for the model first
WITH_LOSS = ("features", "objective", "objective_gradient")  # hold VGG and the settings of the loss
OPSET = 22  # the first with bfloat16 convolutions; TensorRT 10 and 11 read it
_TOOLS = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class GraphKey:
    """What an exported graph is made from; the tools that make it come on top.

    Attributes:
        model_digest: of the generator.
        name, precision: of the graph.
        features_digest, objective_digest: of VGG's weights and the loss settings, for the graphs that hold a loss.
        encoder_digest: of the encoder's weights, for its graph.
    """

    model_digest: str
    name: str
    precision: Precision
    features_digest: str = ""
    objective_digest: str = ""
    encoder_digest: str = ""

    def document(self) -> dict[str, str]:
        """Everything that determines the file, as JSON values."""
        tools = {tool: package_version(tool) for tool in _TOOLS}
        return {**asdict(self), "opset": str(OPSET), "i2s_trt": __version__, **tools}

    @property
    def path(self) -> Path:
        """Where the file is kept; those of a model's several encoders lie side by side."""
        name = f"{self.name}-{self.encoder_digest[:8]}" if self.encoder_digest else self.name
        return graphs_folder() / self.model_digest[:16] / f"{name}-{self.precision}.onnx"


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

    @property
    def json(self) -> Path:
        """The record's file."""
        return self.path.with_suffix(".json")


def graphs_folder() -> Path:
    """Where exported graphs are kept."""
    return home() / "graphs"


def find_graph(key: GraphKey) -> ExportedGraph | None:
    """An exported and verified graph of this key and these tools; None when it is missing or damaged."""
    found = check_graph(key.path)
    return found if isinstance(found, ExportedGraph) and found.record["key"] == key.document() else None


def all_graphs() -> list[Path]:
    """The ONNX files of the library, whole or not; one of which only the record is left is named as well."""
    paths = (path for pattern in ("*.onnx", "*.json") for path in graphs_folder().glob(f"*/{pattern}"))
    return sorted({path.with_suffix(".onnx") for path in paths if not path.name.startswith(".")})


def check_graph(path: Path) -> ExportedGraph | str:
    """An ONNX file of the library as a graph, if record, tools and digests agree; else why it would not be loaded."""
    found = ExportedGraph(path, {}, exported=False)
    try:
        found.record.update(json.loads(found.json.read_text()))
        return _fault(found) or found
    except FileNotFoundError:
        return "an earlier export did not finish"
    except (OSError, ValueError, KeyError, TypeError):
        return "its record is damaged"


def _fault(graph: ExportedGraph) -> str:
    """What keeps a graph from being loaded; empty when nothing does."""
    key = graph.record["key"]
    if GraphKey(**{field.name: key[field.name] for field in fields(GraphKey)}).document() != key:
        return "it was exported by other versions of the tools"
    for path, digest in ((graph.path, graph.record["sha256"]), (graph.defaults, graph.record["defaults_sha256"])):
        if digest and not path.is_file():
            return f"{path.name} is missing"
        if digest and digest != file_digest(path):
            return f"{path.name} is not what was exported: its sha256 differs"
    return ""
