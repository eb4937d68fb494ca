"""Synthesizers by engine name: everything that can render a latent here."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engines.onnx_runtime import OnnxRuntimeRunner
from export.graph import Precision
from export.library import GraphKey, export_graph, find_graph
from export.registry import GraphSource
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import UsageError
from i2s_trt.machine import package_version
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer

Array = np.ndarray[Any, Any]
Engine = Literal["auto", "torch", "onnxruntime"]
ENGINES: tuple[Engine, ...] = ("auto", "torch", "onnxruntime")


@dataclass(frozen=True)
class Choice:
    """A synthesizer, which engine it is, and why that one."""

    synthesizer: Synthesizer
    engine: str
    reason: str


class OnnxRuntimeSynthesizer:
    """Renders through verified ONNX graphs; each is exported when it is first needed.

    Args:
        generator: on the CPU.
        precision: of the graphs.
    """

    def __init__(self, generator: Generator, precision: Precision = "fp32") -> None:
        self._source = GraphSource(generator, Vgg16(), ObjectiveOptions())
        self._precision: Precision = precision
        self._runners: dict[str, OnnxRuntimeRunner] = {}
        self.resolution = generator.resolution
        self.num_layers = generator.num_layers
        self.w_dim = generator.w_dim

    def __call__(self, w_plus: Array) -> Array:
        """Pictures uint8 [N, H, W, 3]; see `Synthesizer`."""
        return self._run("synthesis", w_plus)

    def images(self, w_plus: Array) -> Array:
        """Images float32 [N, 3, H, W]; see `Synthesizer`."""
        return self._run("images", w_plus)

    def preview(self, w_plus: Array) -> Array:
        """Small pictures; see `Synthesizer`."""
        return self._run("preview", w_plus)

    def _run(self, name: str, w_plus: Array) -> Array:
        if name not in self._runners:
            self._runners[name] = OnnxRuntimeRunner(export_graph(self._source, name, self._precision))
        (result,) = self._runners[name]({"w_plus": np.ascontiguousarray(w_plus, np.float32)}).values()
        return result


def choose_synthesizer(engine: str, generator: Generator) -> Choice:
    """The synthesizer of an engine; `auto` takes the fastest that is here.

    Args:
        engine: one of ENGINES.
        generator: on the device to use.

    Raises:
        UsageError: no such engine, or one that does not run on the generator's device.
        EnvironmentFault: its package is missing.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine named {engine}", f"there are {', '.join(ENGINES)}")
    on_gpu = generator.mean_w.device.type != "cpu"
    if engine == "onnxruntime" and on_gpu:
        raise UsageError("the onnxruntime engine renders on the CPU", "add --device cpu, or take --engine torch")
    engine, reason = _fastest(generator) if engine == "auto" else (engine, "as asked for")
    synthesizer = TorchSynthesizer(generator) if engine == "torch" else OnnxRuntimeSynthesizer(generator)
    return Choice(synthesizer, engine, reason)


def _fastest(generator: Generator) -> tuple[Engine, str]:
    """ONNX Runtime beats PyTorch on a CPU, but exporting its graph takes longer than rendering a few pictures."""
    if generator.mean_w.device.type != "cpu":
        return "torch", "the one engine for this GPU"
    if not package_version("onnxruntime"):
        return "torch", "ONNX Runtime is not installed: pip install 'i2s-trt[cpu]'"
    if find_graph(GraphKey(generator.digest, "synthesis", "fp32")) is None:
        return "torch", "nothing to wait for; --engine onnxruntime exports a graph once and is faster after that"
    return "onnxruntime", "its graph of this model is there"
