"""What renders most pictures a second: how many synthesizers side by side, and how many latents at a time."""

import os
from dataclasses import dataclass
from typing import cast

import numpy as np

from engines.built import Wanted, find_built, has_graph
from engines.graph_synthesizer import GraphSynthesizer
from engines.onnxruntime.runtime import OnnxRuntimeRunner
from engines.synthesizers import Choice
from engines.tensorrt.module import BACKENDS
from export.keys import Precision
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.devices import cpu_threads
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import imagenet_vgg16
from i2s_trt.synthesizer import Synthesizer

_BATCH = 4  # on a CPU larger ones are no faster
_GPU_BATCH = 8
_MOST_SESSIONS = 8
_IN_FLIGHT = 2  # on a GPU one computes while the other's pictures are copied


@dataclass(frozen=True)
class Throughput:
    """How to render many pictures.

    Attributes:
        synthesizers: to be used by a thread each.
        batch: that they are fastest with.
        threads: of a CPU that each computes with; 0 on a GPU.
    """

    synthesizers: tuple[Synthesizer, ...]
    batch: int
    threads: int = 0


def for_throughput(choice: Choice, generator: Generator, cores: int = 0, *, exports: bool = True) -> Throughput:
    """The engine of a choice, set up for many pictures instead of for the next one.

    ONNX Runtime on a CPU gets a session of one thread for each core: threads of one session wait for each other after
    every operation, and wait long where encoders use the cores as well.

    With `exports` false PyTorch draws with deltas until their graph is there.

    Raises:
        EnvironmentFault: the engine cannot run here; every synthesizer has rendered once when this returns.
    """
    found = _set_up(choice, generator, cores, exports=exports)
    mean = generator.mean_w_plus.cpu().numpy()
    for synthesizer in dict.fromkeys(found.synthesizers):
        synthesizer(np.repeat(mean[None], found.batch, axis=0))  # loads, exports and warms up what there is
    return found


def _set_up(choice: Choice, generator: Generator, cores: int, *, exports: bool) -> Throughput:
    on_cpu = generator.mean_w.device.type == "cpu"
    if choice.engine == "onnxruntime" and on_cpu:
        precision = cast(Precision, choice.precision)
        sessions = _sessions(generator, precision, cores := cores or _all_cores(), exports=exports)
        return Throughput(sessions, _BATCH, max(1, cores // len(sessions)))
    if on_cpu:
        return Throughput((choice.synthesizer,), _BATCH, cpu_threads(generator.mean_w.device))
    batch = _tune_batch(choice.engine, generator, choice.precision) if choice.engine in BACKENDS else _GPU_BATCH
    return Throughput((choice.synthesizer,) * _IN_FLIGHT, batch)


def _sessions(generator: Generator, precision: Precision, cores: int, *, exports: bool) -> tuple[Synthesizer, ...]:
    source = GraphSource(lambda: generator, imagenet_vgg16, model_digest=generator.digest)
    count = min(cores, _MOST_SESSIONS)

    def runner(name: str) -> OnnxRuntimeRunner:
        return OnnxRuntimeRunner(export_graph(source, name, precision), threads=max(1, cores // count))

    return tuple(
        GraphSynthesizer(generator, runner, lambda: exports or has_graph(generator, "tuned", precision))
        for _ in range(count)
    )


def _all_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tune_batch(backend: str, generator: Generator, precision: Wanted = "auto") -> int:
    """The batch that the built engine was tuned for."""
    try:
        _, entry = find_built(generator, backend, "synthesis", precision)
    except EnvironmentFault:
        return _GPU_BATCH
    return int(entry.record["key"]["profile"]["tuned"])
