"""Holds every exported file against PyTorch: checker, shape inference, and a run on fresh inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from export.bfloat16 import widened
from export.errors import ExportError
from export.graph import Graph
from export.keys import Precision
from i2s_trt.arrays import Array

if TYPE_CHECKING:
    import onnx

VERIFY_BATCH = 3  # not the batch of the trace
_SEED = 1
_PIXEL_LEVELS = 255.0
# root mean square of the error over that of the values, by precision
_TOLERANCE: dict[Precision, float] = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 8e-2}
# of 8-bit pixels in dB: truncation turns the smallest error into a whole level here and there
_PSNR: dict[Precision, float] = {"fp32": 60.0, "fp16": 45.0, "bf16": 30.0}
# A gradient passes twice through every layer, and through every kink: where a maximum or a ReLU tips over for rounding,
# it jumps. In float32 PyTorch's own then lies up to 1e-3 from what it is in double precision.
_GRADIENT: dict[Precision, float] = {"fp32": 5e-3, "fp16": 0.1, "bf16": 0.8}
_LOSSES = 10.0  # times the tolerance: means over millions of squares


@dataclass(frozen=True)
class OutputError:
    """How far one output is from PyTorch's in float32.

    Attributes:
        name: of the output.
        maximum, mean: absolute error, in the output's own unit.
        relative: root mean square of the error over that of the values.
        psnr: in dB for pixels, over 255 levels; 0 for other outputs, inf where nothing differs.
    """

    name: str
    maximum: float
    mean: float
    relative: float
    psnr: float


@dataclass(frozen=True)
class Verification:
    """What was measured, and with which runtime."""

    runtime: str
    batch: int
    outputs: tuple[OutputError, ...]

    def to_json(self) -> dict[str, Any]:
        """The errors as JSON values."""
        return asdict(self)


def verify(model: "onnx.ModelProto", graph: Graph, reference: Graph) -> Verification:
    """Check an exported model and run it in ONNX Runtime beside PyTorch.

    A bfloat16 model, for which ONNX Runtime has no kernels on the CPU, runs with its values widened to float32, and
    PyTorch's own bfloat16 shows what rounding between operators does.

    Args:
        model: what was exported from `graph`.
        graph: in its own precision.
        reference: the same graph in float32, which the numbers are measured against.

    Raises:
        ExportError: the model is malformed or computes something else.
    """
    inputs = fresh_inputs(graph)
    runtime, actual = _run(model, graph, inputs)
    expected = arrays(reference, inputs)
    errors = _judge_all(graph, actual, expected)
    if graph.precision == "bf16":
        runtime += ", with bfloat16 widened to float32, and PyTorch's bfloat16 on the CPU: the larger error of the two"
        rounded = _judge_all(graph, arrays(graph, inputs), expected)
        errors = tuple(max(pair, key=lambda error: error.relative) for pair in zip(errors, rounded, strict=True))
    return Verification(runtime, VERIFY_BATCH, errors)


def _run(model: "onnx.ModelProto", graph: Graph, inputs: Mapping[str, Tensor]) -> tuple[str, Sequence[Array]]:
    """ONNX Runtime's name and its outputs."""
    import onnx
    import onnxruntime

    try:
        onnx.checker.check_model(model, full_check=True)  # with shape inference
        runnable = widened(model) if graph.precision == "bf16" else model
        session = onnxruntime.InferenceSession(runnable.SerializeToString(), providers=["CPUExecutionProvider"])
        outputs = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    except Exception as error:  # both libraries raise types of their own
        reason = " ".join(str(error).split())[:300]
        raise ExportError(
            f"the {graph.name} graph in {graph.precision} does not run: {reason}", "export it in fp32"
        ) from error
    return f"onnxruntime {onnxruntime.__version__}, CPU", outputs


def arrays(graph: Graph, inputs: Mapping[str, Tensor]) -> Sequence[Array]:
    """What PyTorch computes."""
    with torch.no_grad():
        outputs = graph.function(*inputs.values())
    return [tensor.numpy() for tensor in (outputs if isinstance(outputs, tuple) else (outputs,))]


def _judge_all(graph: Graph, actual: Sequence[Array], expected: Sequence[Array]) -> tuple[OutputError, ...]:
    errors = tuple(
        compare(name, theirs, ours) for name, theirs, ours in zip(graph.outputs, actual, expected, strict=True)
    )
    for measured in errors:
        _judge(measured, graph)
    return errors


def fresh_inputs(graph: Graph) -> dict[str, Tensor]:
    """New random inputs of the examples' distribution, VERIFY_BATCH rows; constants of the model as they are."""
    random = torch.Generator().manual_seed(_SEED)
    inputs = {}
    for name, example in graph.examples.items():
        if name in graph.batched:
            order = torch.randperm(example.numel(), generator=random)
            shuffled = example.flatten()[order].view(example.shape)
            inputs[name] = shuffled[:VERIFY_BATCH].float().contiguous()
        else:
            inputs[name] = example.float().contiguous()
    return inputs


def compare(name: str, actual: Array, expected: Array) -> OutputError:
    """Measure the distance of one output."""
    difference = actual.astype(np.float64) - expected.astype(np.float64)
    root_mean_square = float(np.sqrt(np.square(difference).mean()))
    scale = float(np.sqrt(np.square(expected.astype(np.float64)).mean()))
    psnr = 0.0
    if actual.dtype == np.uint8:
        psnr = float("inf") if root_mean_square == 0 else float(20 * np.log10(_PIXEL_LEVELS / root_mean_square))
    return OutputError(
        name=name,
        maximum=float(np.abs(difference).max()),
        mean=float(np.abs(difference).mean()),
        relative=root_mean_square / scale if scale else root_mean_square,
        psnr=psnr,
    )


def _judge(error: OutputError, graph: Graph) -> None:
    if error.psnr:
        if error.psnr < _PSNR[graph.precision]:
            raise ExportError(
                f"the {graph.name} graph in {graph.precision} is off: {error.name} reach {error.psnr:.1f} dB against "
                f"PyTorch's, where {_PSNR[graph.precision]:.0f} are needed",
                "export it in fp32, or check the model's weights for extreme values",
            )
        return
    tolerance = _tolerance(error.name, graph.precision)
    if not error.relative <= tolerance:
        raise ExportError(
            f"the {graph.name} graph in {graph.precision} is off: {error.name} differs by {error.relative:.2g} of its "
            f"size (at most {error.maximum:.3g}), where {tolerance:.0e} is allowed",
            "export it in fp32, or check the model's weights for extreme values",
        )


def _tolerance(output: str, precision: Precision) -> float:
    if output == "gradient":
        return _GRADIENT[precision]
    return _TOLERANCE[precision] * (_LOSSES if output == "losses" else 1.0)
