"""The engine that is built for a model: by graph, precision and GPU."""

from typing import Literal

from engines.tensorrt.cache import Entry, find_engine
from export.keys import ExportedGraph, GraphKey, Precision, find_graph
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator

Wanted = Literal["auto", "fp32", "bf16", "fp16"]
WANTED: tuple[Wanted, ...] = ("auto", "fp32", "bf16", "fp16")
_PREFERRED: tuple[Precision, ...] = ("fp16", "bf16", "fp32")  # of built engines


def find_built(
    generator: Generator, backend: str, name: str, precision: Wanted = "auto"
) -> tuple[ExportedGraph, Entry]:
    """The built engine of a generator's graph that runs on its GPU, and the graph.

    Raises:
        EnvironmentFault: there is none in that precision, or the backend's package is missing.
    """
    reason = "not built yet"
    for candidate in _PREFERRED if precision == "auto" else (precision,):
        exported = find_graph(GraphKey(generator.digest, name, candidate))
        if exported is None:
            continue
        found = find_engine(backend, exported.record["sha256"], gpu_number(generator))
        if isinstance(found, Entry):
            return exported, found
        reason = found.reason
    raise EnvironmentFault(
        f"no {backend} engine renders {name}{in_words(precision)} for this model: {reason}",
        f"i2s-trt build-engines --backend {backend} --precision {'fp16' if precision == 'auto' else precision}, "
        "with --model as here",
    )


def has_graph(generator: Generator, name: str, precision: Precision) -> bool:
    """Whether a generator's graph is exported in a precision, verified and whole."""
    return find_graph(GraphKey(generator.digest, name, precision)) is not None


def gpu_number(generator: Generator) -> int:
    """The number of the GPU that a generator is on; 0, the first, for one that is on the CPU."""
    return generator.mean_w.device.index or 0


def in_words(precision: Wanted) -> str:
    """The precision in words, for messages."""
    return "" if precision == "auto" else f" in {precision}"
