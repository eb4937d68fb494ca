"""Builds plans: an ONNX file through a real TensorRT-family parser and builder."""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from engines.cuda.gpu import current_gpu
from engines.errors import EngineError
from engines.profiles import BatchProfile
from engines.tensorrt.build_errors import check_profile, failed, refused
from engines.tensorrt.build_monitor import Report, make_monitor
from engines.tensorrt.layers import activation_bytes, inspection_text
from engines.tensorrt.module import load_tensorrt, make_logger
from engines.tensorrt.timing_cache import TimingKey, keep_timings, use_timings
from i2s_trt.errors import UsageError


@dataclass(frozen=True)
class BuildOptions:
    """How a plan is built.

    Attributes:
        backend: `tensorrt` or `tensorrt-rtx`.
        profile: batch sizes.
        targets: compute capabilities such as `sm89`, for TensorRT-RTX; empty for this machine's GPU, or for any.
        tf32: whether float32 may be multiplied as TF32, with 10 bits of mantissa.
        device: the GPU that TensorRT measures kernels on; timings of earlier builds on it are used.
        gpu: its number, as CUDA counts.
    """

    backend: str
    profile: BatchProfile
    targets: tuple[str, ...] = ()
    tf32: bool = True
    device: str = ""
    gpu: int = 0


@dataclass(frozen=True)
class Tensor:
    """An input or output of a network: dtype by name, -1 for the batch."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A serialised engine and what is known about it.

    Attributes:
        layers: of the network, before kernels are fused.
        activation_bytes: device memory for the largest batch; 0 where TensorRT does not report it.
        inspection: the engine's kernels, in TensorRT's words; empty where it does not report them.
    """

    data: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: int
    parse_seconds: float
    build_seconds: float
    activation_bytes: int = 0
    inspection: str = ""


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
        EnvironmentFault: the backend's package is missing, or the GPU that TensorRT is to build on.
    """
    with current_gpu(options.gpu) if options.backend == "tensorrt" else nullcontext():
        return _plan(load_tensorrt(options.backend), onnx, inputs, options, report)


def _plan(
    trt: ModuleType,
    onnx: Path,
    inputs: Mapping[str, Sequence[int | str]],
    options: BuildOptions,
    report: Report | None,
) -> Plan:
    logger = make_logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    begun = time.perf_counter()
    if not parser.parse_from_file(str(onnx)):
        raise refused(parser, logger, onnx)
    parsed = time.perf_counter()
    shapes = options.profile.shapes(inputs)
    check_profile(network, shapes, onnx)
    config = _configure(trt, builder, options, shapes)
    monitor = make_monitor(trt, report) if report else None
    if monitor is not None:
        config.progress_monitor = monitor
    built = _build(trt, builder, network, config, options)
    if monitor is not None and monitor.cancelled:
        raise monitor.error or EngineError(
            f"the build of {onnx.name} was cancelled", "start it again; finished engines are kept"
        )
    if built is None:
        raise failed(logger, onnx)
    data, messages = bytes(built), tuple(logger.messages)
    return Plan(
        data=data,
        inputs=tuple(_tensor(network.get_input(i)) for i in range(network.num_inputs)),
        outputs=tuple(_tensor(network.get_output(i)) for i in range(network.num_outputs)),
        layers=network.num_layers,
        parse_seconds=parsed - begun,
        build_seconds=time.perf_counter() - parsed,
        activation_bytes=activation_bytes(messages),
        inspection=inspection_text(trt, data, messages, logger),
    )


def _configure(trt: ModuleType, builder: Any, options: BuildOptions, shapes: Mapping[str, Any]) -> Any:
    """Memory has no limit but the GPU's: the working memory of a whole gradient counts as one kernel's."""
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # for the inspection; plans stay as large
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    if targets := check_targets(trt, options.backend, options.targets):
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            config.set_compute_capability(target, index)
    _set_profile(builder, config, shapes)
    return config


def _build(trt: ModuleType, builder: Any, network: Any, config: Any, options: BuildOptions) -> Any:
    """The plan's memory; None when TensorRT fails. Only TensorRT measures kernels as it builds."""
    if options.backend != "tensorrt":
        return builder.build_serialized_network(network, config)
    timings = TimingKey(options.backend, str(trt.__version__), options.targets, options.device)
    use_timings(config, timings)
    built = builder.build_serialized_network(network, config)
    keep_timings(config, timings)  # of a build that failed too: what was measured holds
    return built


def check_targets(trt: ModuleType, backend: str, targets: Sequence[str]) -> list[Any]:
    """The compute capabilities to build for. Raises UsageError for one that the backend has not."""
    if not targets:
        return []
    known = getattr(trt, "ComputeCapability", None)
    if known is None:
        raise UsageError(f"{backend} builds for this machine's GPU only", "leave out --target")
    members = {name.lower(): member for name, member in known.__members__.items() if re.fullmatch(r"SM\d+", name)}
    if wrong := [target for target in targets if target not in members]:
        raise UsageError(f"{backend} has no target {', '.join(wrong)}", f"there are {', '.join(members)}")
    return [members[target] for target in targets]


def _set_profile(builder: Any, config: Any, shapes: Mapping[str, Any]) -> None:
    if not shapes:
        return
    profile = builder.create_optimization_profile()
    for name, (smallest, tuned, largest) in shapes.items():
        profile.set_shape(name, smallest, tuned, largest)
    config.add_optimization_profile(profile)


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tensor.name, str(tensor.dtype).rpartition(".")[2], tuple(tensor.shape))
