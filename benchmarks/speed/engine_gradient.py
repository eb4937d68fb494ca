"""The embedding step through the exported gradient graph: an engine computes, Adam alone is left to PyTorch."""

from collections.abc import Callable, Mapping

import torch

from benchmarks.speed.inputs import check_memory, targets
from export.keys import ExportedGraph
from export.source import GraphSource
from i2s_trt.arrays import Array
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.devices import choose_device
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.models.vgg import imagenet_vgg16

Runner = Callable[[Mapping[str, Array]], Mapping[str, Array]]
GRAPH = "objective_gradient"
_STEPS = 100_000


class EngineEmbedding:
    """Embeds a batch of pictures, one call a step.

    Args:
        model: name or path of the generator.
        batch: pictures embedded together.
        device: `cpu` runs ONNX Runtime, `cuda` TensorRT.

    Raises:
        ExportError: the graph cannot be exported.
        EnvironmentFault: the backend is missing, or memory is.
    """

    def __init__(self, model: str, batch: int, device: str) -> None:
        generator, vgg, self._options = load_generator(model), imagenet_vgg16(), EmbedOptions(steps=_STEPS)
        check_memory(generator.spec, batch, choose_device(device))
        source = GraphSource(lambda: generator, lambda: vgg, ObjectiveOptions(), generator.digest)
        self._run = _tensorrt(source, batch) if device.startswith("cuda") else _onnx_runtime(source)
        pictures = targets(generator.spec, batch, torch.device("cpu"))
        objective = Objective(pictures, vgg, self._options.objective)
        features = {f"target_{name}": objective.features[name].numpy() for name in objective.layers}
        self._inputs: dict[str, Array] = {"target": pictures.numpy(), **features}
        start = generator.mean_w_plus.expand(batch, -1, -1)
        self._state = EmbedState.start(start.contiguous(), self._options)

    def step(self) -> None:
        """One evaluation of losses and gradient, and Adam's update."""
        found = self._run({"w_plus": self._state.variable.numpy(), **self._inputs})
        losses, gradient = (torch.from_numpy(found[name]) for name in ("losses", "gradient"))
        advance(self._state, losses, gradient, self._options)


def _export(source: GraphSource) -> ExportedGraph:
    from export.library import export_graph

    return export_graph(source, GRAPH, "fp32")


def _onnx_runtime(source: GraphSource) -> Runner:
    from engines.onnxruntime.runtime import OnnxRuntimeRunner

    return OnnxRuntimeRunner(_export(source))


def _tensorrt(source: GraphSource, batch: int) -> Runner:
    from engines.plan import EngineRequest, make
    from engines.profiles import BatchProfile
    from engines.tensorrt.runtime import TensorrtRunner

    request = EngineRequest("tensorrt", GRAPH, "fp32", BatchProfile.of([batch]))
    prospect, _ = make(request, source)
    return TensorrtRunner(prospect.engine, prospect.exported.defaults, "tensorrt")  # type: ignore[union-attr, arg-type]
