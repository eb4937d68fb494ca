"""Builds plans: an ONNX file through a real TensorRT-family parser and builder."""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from engines.profiles import BatchProfile
from engines.tensorrt_module import EngineError, complaints, load_tensorrt, make_logger
from i2s_trt.errors import UsageError

Report = Callable[[str, int, int], bool | None]
_WORKSPACE = 4 << 30


@dataclass(frozen=True)
class BuildOptions:
    """How a plan is built.

    Attributes:
        backend: `tensorrt` or `tensorrt-rtx`.
        profile: batch sizes.
        targets: compute capabilities such as `sm89`, for TensorRT-RTX; empty for this machine's GPU, or for any.
        tf32: whether float32 may be computed in 19 bits.
    """

    backend: str
    profile: BatchProfile
    targets: tuple[str, ...] = ()
    tf32: bool = True


@dataclass(frozen=True)
class Tensor:
    """An input or output of a network: dtype by name, -1 for the batch."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A serialised engine and what is known about it."""

    data: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: int
    parse_seconds: float
    build_seconds: float


def build_plan(
    onnx: Path, inputs: Mapping[str, Sequence[int | str]], options: BuildOptions, report: Report | None = None
) -> Plan:
    """Parse an ONNX file and build it, strongly typed: precision lives in the graph.

    Args:
        onnx: the file.
        inputs: shape by name, `N` for the batch.
        options: how.
        report: called with a phase's name, its step and its steps; a true answer cancels.

    Raises:
        EngineError: the graph is refused; names the node. Or the build failed or was cancelled.
        UsageError: no such target.
        EnvironmentFault: the backend's package is missing.
    """
    trt = load_tensorrt(options.backend)
    logger = make_logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    begun = time.perf_counter()
    _parse(trt, network, logger, onnx)
    parsed = time.perf_counter()
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE)
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    _set_targets(trt, config, options)
    _set_profile(builder, config, options.profile.shapes(inputs))
    monitor = _make_monitor(trt, report) if report else None
    if monitor is not None:
        config.progress_monitor = monitor
    data = builder.build_serialized_network(network, config)
    if data is None:
        raise _failed(onnx, logger, cancelled=bool(monitor is not None and monitor.cancelled))
    return Plan(
        data=bytes(data),
        inputs=tuple(_tensor(network.get_input(i)) for i in range(network.num_inputs)),
        outputs=tuple(_tensor(network.get_output(i)) for i in range(network.num_outputs)),
        layers=network.num_layers,
        parse_seconds=parsed - begun,
        build_seconds=time.perf_counter() - parsed,
    )


def _parse(trt: ModuleType, network: Any, logger: Any, onnx: Path) -> None:
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(str(onnx)):
        return
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    if not errors:
        raise EngineError(f"{onnx} is not an ONNX model ({complaints(logger)})", "export the graph again")
    first = errors[0]
    node = first.node_name() or "an unnamed node"
    reason = " ".join(first.desc().split())[:300]
    raise EngineError(
        f"{onnx.name}: TensorRT refuses node {node} ({first.node_operator()}): {reason}",
        "graphs that i2s-trt exports are accepted; export this one again, or change what the node computes",
    )


def _set_targets(trt: ModuleType, config: Any, options: BuildOptions) -> None:
    if not options.targets:
        return
    known = getattr(trt, "ComputeCapability", None)
    if known is None:
        raise UsageError(f"{options.backend} builds for this machine's GPU only", "leave out --target")
    members = known.__members__
    names = [target.upper() for target in options.targets]
    wrong = [name for name in names if not re.fullmatch(r"SM\d+", name) or name not in members]
    if wrong:
        there = ", ".join(name.lower() for name in members if name.startswith("SM"))
        raise UsageError(f"{options.backend} has no target {', '.join(wrong).lower()}", f"there are {there}")
    config.num_compute_capabilities = len(names)
    for index, name in enumerate(names):
        config.set_compute_capability(members[name], index)


def _set_profile(builder: Any, config: Any, shapes: Mapping[str, Any]) -> None:
    if not shapes:
        return
    profile = builder.create_optimization_profile()
    for name, (smallest, tuned, largest) in shapes.items():
        profile.set_shape(name, smallest, tuned, largest)
    config.add_optimization_profile(profile)


def _make_monitor(trt: ModuleType, report: Report) -> Any:
    """TensorRT calls it from threads of its own."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False
            self._lock = threading.Lock()
            self._steps: dict[str, int] = {}

        def phase_start(self, name: str, _parent: str | None, steps: int) -> None:
            with self._lock:
                self._steps[name] = steps

        def phase_finish(self, name: str) -> None:
            with self._lock:
                self._steps.pop(name, None)

        def step_complete(self, name: str, step: int) -> bool:
            with self._lock:
                self.cancelled = self.cancelled or bool(report(name, step + 1, self._steps.get(name, 0)))
                return not self.cancelled

    return Monitor()


def _failed(onnx: Path, logger: Any, *, cancelled: bool) -> EngineError:
    if cancelled:
        return EngineError(f"the build of {onnx.name} was cancelled", "start it again; finished engines are kept")
    reason = complaints(logger) or "it gave no reason"
    mend = "export the graph again, in another --precision if need be"
    if "profile" in reason.lower():
        mend = "an input with a free batch needs a profile: give --batch 1,4,8"
    if "outofmemory" in reason.lower().replace(" ", ""):
        mend = "give smaller batches, such as --batch 1: at 1024 pixels the gradient of eight pictures is too large"
    return EngineError(f"TensorRT could not build {onnx.name}: {reason}", mend)


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tensor.name, str(tensor.dtype).rpartition(".")[2], tuple(tensor.shape))
