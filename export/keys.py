"""What exported graphs are called, made from and kept as; needs neither torch nor onnx."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from i2s_trt import __version__
from i2s_trt.files import file_digest, home
from i2s_trt.machine import package_version

Precision = Literal["fp32", "fp16", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16")
GRAPH_NAMES = ("mapping", "synthesis", "images", "preview", "features", "objective", "objective_gradient")
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
        """Where the file is kept."""
        return graphs_folder() / self.model_digest[:16] / f"{self.name}-{self.precision}.onnx"


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
    try:
        record = json.loads(key.path.with_suffix(".json").read_text())
        found = ExportedGraph(key.path, record, exported=False)
        if record["key"] != key.document() or record["sha256"] != file_digest(key.path):
            return None
        defaults = record["defaults_sha256"]
        return None if defaults and defaults != file_digest(found.defaults) else found
    except (OSError, ValueError, KeyError, TypeError):
        return None
