"""What `build-engines` is going to do: graphs, keys, hits and sizes; and the doing of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.builder import BuildOptions, Report, build_plan
from engines.cache import EngineKey, Entry, Miss, build_once, look_up
from engines.profiles import BatchProfile
from engines.tensorrt_module import BACKENDS, load_tensorrt
from export.keys import ExportedGraph, find_graph
from i2s_trt.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from export.keys import Precision
    from export.source import GraphSource

DEFAULT_GRAPHS = ("mapping", "synthesis", "images", "preview")
_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2}


@dataclass(frozen=True)
class EngineRequest:
    """What is wanted of one graph.

    Attributes:
        backend: `onnxruntime`, which needs no building after the export, `tensorrt` or `tensorrt-rtx`.
        graph, precision, profile, targets: as in `EngineKey`.
    """

    backend: str
    graph: str
    precision: "Precision"
    profile: BatchProfile
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prospect:
    """What is there of a request, and what has to be made.

    Attributes:
        exported: the ONNX file, if there is one.
        engine: the plan, or why there is none; None where the backend has no plans.
        key: of the engine; empty until the graph is exported.
        size: bytes of what is there, or an estimate.
    """

    request: EngineRequest
    exported: ExportedGraph | None
    engine: Entry | Miss | None
    key: str
    size: int

    @property
    def complete(self) -> bool:
        """Whether there is nothing to do."""
        return self.exported is not None and not isinstance(self.engine, Miss)


def inspect(request: EngineRequest, source: "GraphSource") -> Prospect:
    """Look without making anything.

    Raises:
        EnvironmentFault: the backend's package or its GPU is missing.
    """
    exported = find_graph(source.key(request.graph, request.precision))
    if exported is None:
        weights = sum(p.numel() for p in source.generator.parameters()) * _BYTES[request.precision]
        return Prospect(
            request, None, None if request.backend == "onnxruntime" else Miss("not exported yet"), "", weights
        )
    size = exported.path.stat().st_size
    if request.backend == "onnxruntime":
        return Prospect(request, exported, None, exported.record["sha256"][:24], size)
    key = engine_key(request, exported)
    found = look_up(key)
    if isinstance(found, Entry):
        size = found.record["size"]
    return Prospect(request, exported, found, key.digest(), size)


def make(request: EngineRequest, source: "GraphSource", report: Report | None = None) -> tuple[Prospect, bool]:
    """Export, verify, build and cache one engine; returns what is there now, and whether anything was made.

    Raises:
        ExportError, EngineError: the graph cannot be exported or built.
        EnvironmentFault: the backend's package or its GPU is missing, or the cache cannot be written.
    """
    if request.backend != "onnxruntime":
        engine_device(request)  # before minutes go into an export
    exported = find_graph(source.key(request.graph, request.precision))
    if exported is None:
        from export.library import export_graph

        exported = export_graph(source, request.graph, request.precision)
    made = exported.exported
    if request.backend != "onnxruntime":
        options = BuildOptions(request.backend, request.profile, request.targets)
        key = engine_key(request, exported)
        _, built = build_once(key, lambda: build_plan(exported.path, exported.record["inputs"], options, report))
        made = made or built
    return inspect(request, source), made


def engine_key(request: EngineRequest, exported: ExportedGraph) -> EngineKey:
    """The cache key of a request's engine."""
    return EngineKey(
        graph=request.graph,
        precision=request.precision,
        onnx_sha256=exported.record["sha256"],
        backend=request.backend,
        version=str(load_tensorrt(request.backend).__version__),
        profile=request.profile,
        targets=tuple(sorted(request.targets)),
        device=engine_device(request),
    )


def engine_device(request: EngineRequest) -> str:
    """The GPU that an engine is tied to; empty where its targets, or portability, say enough.

    Raises:
        EnvironmentFault: TensorRT builds on the GPU it builds for, and there is none; or the package is missing.
        UsageError: no such backend.
    """
    if request.backend not in BACKENDS:
        raise UsageError(f"no engine backend named {request.backend}", f"there are onnxruntime, {', '.join(BACKENDS)}")
    load_tensorrt(request.backend)
    if request.backend == "tensorrt-rtx":
        return ""
    from i2s_trt.machine import describe_machine

    gpu = describe_machine().gpu
    if not gpu:
        raise EnvironmentFault(
            "TensorRT builds on the GPU that it builds for, and this machine has none",
            "take --backend tensorrt-rtx --target sm89, which builds anywhere, or --backend onnxruntime",
        )
    return gpu


def requests_for(
    backend: str, graphs: Sequence[str], precision: "Precision", profile: BatchProfile, targets: Sequence[str]
) -> list[EngineRequest]:
    """One request a graph."""
    return [EngineRequest(backend, graph, precision, profile, tuple(targets)) for graph in graphs]
