"""What `build-engines` is going to do: graphs, keys, hits and sizes; and the doing of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.cuda.gpu import describe_gpu
from engines.profiles import BatchProfile
from engines.tensorrt.build_monitor import Report
from engines.tensorrt.builder import BuildOptions, build_plan, check_targets
from engines.tensorrt.cache import EngineKey, Entry, Miss, build_once, look_up
from engines.tensorrt.module import BACKENDS, load_tensorrt
from export.keys import WITH_LOSS, ExportedGraph, Precision, find_graph
from i2s_trt.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from torch import nn

    from export.source import GraphSource

_BYTES: dict[Precision, int] = {"fp32": 4, "fp16": 2, "bf16": 2}


@dataclass(frozen=True)
class EngineRequest:
    """What is wanted of one graph.

    Attributes:
        backend: `onnxruntime`, which needs no building after the export, `tensorrt` or `tensorrt-rtx`.
        graph, precision, profile, targets, tf32: as in `EngineKey`.
        gpu: number of the GPU that TensorRT builds on, and for.
    """

    backend: str
    graph: str
    precision: Precision
    profile: BatchProfile
    targets: tuple[str, ...] = ()
    tf32: bool = True
    gpu: int = 0

    def options(self) -> BuildOptions:
        """Options as the builder takes them. Raises as `engine_device` does."""
        return BuildOptions(self.backend, self.profile, self.targets, self.tf32, engine_device(self), self.gpu)


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

    @property
    def activation_bytes(self) -> int:
        """Device memory that the largest batch takes beside the plan; 0 where it is not known."""
        return int(self.engine.record.get("activation_bytes", 0)) if isinstance(self.engine, Entry) else 0


def inspect(request: EngineRequest, source: "GraphSource") -> Prospect:
    """Look without making anything. Raises as `engine_device` does."""
    built = request.backend != "onnxruntime"
    if built:
        engine_device(request)
    exported = find_graph(source.key(request.graph, request.precision))
    if exported is None:
        return Prospect(request, None, Miss("not exported yet") if built else None, "", _estimate(request, source))
    size = exported.path.stat().st_size
    if not built:
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
        key, options = engine_key(request, exported), request.options()
        _, built = build_once(key, lambda: build_plan(exported.path, exported.record["inputs"], options, report))
        made = made or built
    return inspect(request, source), made


def _estimate(request: EngineRequest, source: "GraphSource") -> int:
    """Bytes of a graph that is not exported: its networks' weights."""
    if request.graph == "mapping":  # float32 at every precision
        return 4 * sum(weight.numel() for weight in source.generator.mapping.parameters())
    if request.graph == "encoder":
        return _BYTES[request.precision] * sum(weight.numel() for weight in source.encoder.network.parameters())
    networks: list[nn.Module] = [source.vgg] if request.graph in WITH_LOSS else []
    if request.graph not in {"features", "objective"}:
        networks.append(source.generator.synthesis)
    return _BYTES[request.precision] * sum(weight.numel() for part in networks for weight in part.parameters())


def engine_key(request: EngineRequest, exported: ExportedGraph) -> EngineKey:
    """The cache key of a request's engine."""
    return EngineKey(
        graph=request.graph,
        precision=request.precision,
        onnx_sha256=exported.record["sha256"],
        backend=request.backend,
        version=str(load_tensorrt(request.backend).__version__),
        profile=request.profile,
        targets=request.targets,
        device=engine_device(request),
        tf32=request.tf32,
    )


def engine_device(request: EngineRequest) -> str:
    """The GPU that an engine is tied to; empty where its targets, or portability, say enough.

    Raises:
        EnvironmentFault: TensorRT builds on the GPU it builds for, and there is none; or the package is missing.
        UsageError: no such backend.
    """
    if request.backend not in BACKENDS:
        raise UsageError(f"no engine backend named {request.backend}", f"there are onnxruntime, {', '.join(BACKENDS)}")
    trt = load_tensorrt(request.backend)
    check_targets(trt, request.backend, request.targets)
    if request.backend == "tensorrt-rtx":
        return ""
    gpu = describe_gpu(request.gpu)
    if not gpu:
        raise EnvironmentFault(
            f"TensorRT builds on the GPU that it builds for, and this machine has {_none(request.gpu)}",
            "take --backend tensorrt-rtx --target sm89, which builds anywhere, or --backend onnxruntime",
        )
    return gpu


def _none(gpu: int) -> str:
    return f"none of number {gpu}" if gpu else "none"


def requests_for(
    backend: str,
    graphs: Sequence[str],
    precision: Precision,
    profile: BatchProfile,
    targets: Sequence[str],
    *,
    tf32: bool = True,
    gpu: int = 0,
) -> list[EngineRequest]:
    """One request a graph; the order of targets makes no other engine."""
    wanted = tuple(sorted(set(targets)))
    return [EngineRequest(backend, graph, precision, profile, wanted, tf32, gpu) for graph in graphs]
