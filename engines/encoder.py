"""Guesses latents through an engine instead of PyTorch."""

from collections.abc import Callable, Mapping

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.keys import Precision
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.images.fit import to_target


class GraphEncoder:
    """A `PictureEncoder` on a runner of the `encoder` graph; pass it as `initial` of an embedding.

    Args:
        runner: takes `images` float32 [N, 3, H, W] and gives `w_plus` float32 [N, L, D].
    """

    def __init__(self, runner: Callable[[Mapping[str, Array]], Mapping[str, Array]]) -> None:
        self._runner = runner

    def __call__(self, picture: Pixels) -> WPlus:
        """The guess w_plus float32 [L, D] for a picture uint8 [H, W, 3] of the model's size."""
        guess: WPlus = self._runner({"images": to_target(picture).unsqueeze(0).numpy()})["w_plus"][0]
        return guess


def onnx_encoder(source: GraphSource, precision: Precision = "fp32") -> GraphEncoder:
    """The encoder of a model in ONNX Runtime, exported and verified first where need be.

    Raises:
        ModelError: no encoder has been trained for the model.
        ExportError: the graph does not compute what PyTorch does.
        EnvironmentFault: ONNX Runtime is missing.
    """
    return GraphEncoder(OnnxRuntimeRunner(export_graph(source, "encoder", precision)))
