"""Engines made from nothing: seconds of export and build, and sizes."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from benchmarks.speed.bench import Bench, Produced, one_line, skipping
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.schema import Case, Figure, Progress, Row, Skip
from i2s_trt.errors import I2sError

if TYPE_CHECKING:
    from engines.tensorrt.cache import Entry
    from export.keys import Precision
    from export.source import GraphSource

_GRAPHS: "tuple[tuple[str, Precision], ...]" = (
    ("mapping", "fp32"), ("synthesis", "fp32"), ("synthesis", "fp16"), ("objective_gradient", "fp32"),
)  # fmt: skip
_BACKENDS = ("tensorrt", "tensorrt-rtx")
_TARGETS = {"tensorrt-rtx": ("sm89",)}  # TensorRT-RTX builds for a card that is not there
_BATCHES = (1, 4, 8)
_NEEDS = 15.0  # seconds at the least for an export
_HOME = "I2S_TRT_HOME"


def run(bench: Bench) -> Produced:
    """The small models first: a large one's gradient takes a minute."""
    sources: dict[str, GraphSource] = {}
    for model in reversed(bench.models):
        skipped: list[Skip] = []
        with skipping(f"engines of {model}", skipped):
            sources[model] = _source(model)
        yield from skipped
    graphs = _GRAPHS[:1] if bench.quick else _GRAPHS
    cases = [(model, *graph) for model in sources for graph in graphs]
    with empty_cache():
        for done, (model, graph, precision) in enumerate(cases):
            yield Progress(f"{graph} {precision} of {model}", done, len(cases))
            if bench.left() < _NEEDS:
                yield Skip(f"{graph} {precision} of {model}", "the time budget was spent before it")
                continue
            yield from make(sources[model], model, graph, precision)


def make(source: "GraphSource", model: str, graph: str, precision: "Precision") -> Iterator[Row | Skip]:
    """Export a graph, and build it with every TensorRT that is installed."""
    from export.library import export_graph

    skipped: list[Skip] = []
    with skipping(f"{graph} {precision} of {model}", skipped):
        load, begun = OtherLoad(), time.monotonic()
        exported = export_graph(source, graph, precision)
        seconds = Figure(time.monotonic() - begun, "s")
        size = Figure(exported.path.stat().st_size / 2**20, "MiB")
        case = Case(f"{graph}, ONNX", model, source.generator.resolution, precision=precision)
        yield Row(case, {"export": seconds, "size": size}, load.cores())
        for backend in _BACKENDS:
            yield built(source, case, graph, backend)
    yield from skipped


def built(source: "GraphSource", exported: Case, graph: str, backend: str) -> Row | Skip:
    """Build an exported graph."""
    from engines.plan import EngineRequest
    from engines.plan import make as make_engine
    from engines.profiles import BatchProfile

    case = Case(f"{graph}, {backend}", exported.model, exported.resolution, precision=exported.precision)
    targets = _TARGETS.get(backend, ())
    request = EngineRequest(backend, graph, exported.precision, BatchProfile.of(_BATCHES), targets)  # type: ignore[arg-type]
    load = OtherLoad()
    try:
        engine = make_engine(request, source)[0].engine
    except I2sError as error:
        return Skip(f"{case.variant} {case.precision} of {case.model}", one_line(error))
    record = cast("Entry", engine).record
    seconds = Figure(record["parse_seconds"] + record["build_seconds"], "s")
    notes = (f"for {', '.join(targets)}",) if targets else ()
    return Row(case, {"build": seconds, "size": Figure(record["size"] / 2**20, "MiB")}, load.cores(), notes)


@contextmanager
def empty_cache() -> Iterator[None]:
    """A home of its own for graphs and engines, so that everything is made anew; gone afterwards."""
    before = os.environ.get(_HOME)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[_HOME] = folder
        try:
            yield
        finally:
            with suppress(KeyError):
                del os.environ[_HOME]
            if before is not None:
                os.environ[_HOME] = before


def _source(model: str) -> "GraphSource":
    """Loaded before the home changes."""
    from export.source import GraphSource
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.models.vgg import imagenet_vgg16

    generator, vgg = load_generator(model), imagenet_vgg16()
    return GraphSource(lambda: generator, lambda: vgg, model_digest=generator.digest)
