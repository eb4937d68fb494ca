"""A process that runs a batch through ONNX Runtime, without torch, so that it starts in a blink and can be killed."""

import os
import time
from pathlib import Path

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.keys import ExportedGraph
from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.batch.options import BatchOptions, Rendering
from i2s_trt.batch.runner import run_batch
from tests.batch.support import MODEL, collected

OPTIONS = BatchOptions(batch=2, writers=2, group=4, resume=True)
# latents waiting are not rendered yet; then a batch, waiting pictures, writers with one each, waiting and placed groups
IN_FLIGHT = OPTIONS.batch + 2 * OPTIONS.batch + OPTIONS.writers + 2 * OPTIONS.group
_PAUSE = 0.01  # seconds a batch, so that a kill meets it in the middle


class CountingSynthesizer:
    """Renders, and writes a byte for every picture to a log that survives the process."""

    resolution, num_layers, w_dim = 16, 6, 24

    def __init__(self, graph: Path, log: Path) -> None:
        self._runner = OnnxRuntimeRunner(ExportedGraph(graph, {}, exported=False), threads=1)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, w_plus: WPlus) -> Pixels:
        """Pictures uint8 [N, H, W, 3]."""
        (pictures,) = self._runner({"w_plus": w_plus}).values()
        os.write(self._log, b"." * len(pictures))
        time.sleep(_PAUSE)
        return pictures


def run(graph: Path, inputs: Path, output: Path, log: Path) -> None:
    """The batch of a folder that `support.prepare` filled."""
    latents, variants = collected(inputs)
    run_batch(latents, variants, [CountingSynthesizer(graph, log)], output, OPTIONS, Rendering("toy", MODEL, "ort"))  # type: ignore[list-item]  # the batch needs no more of a synthesizer
