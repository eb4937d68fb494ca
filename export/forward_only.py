"""Traces a function that differentiates into one that only goes forward.

`torch.func.grad` under `make_fx`, with the backward formulas below for what has no ONNX operator of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from export.errors import ExportError

_aten = torch.ops.aten


def forward_only(function: Callable[..., Any], examples: Sequence[Tensor]) -> torch.fx.GraphModule:
    """Trace a function that differentiates into one that only goes forward, with a free batch size.

    Raises:
        ExportError: an operation's gradient has no forward formula, as that of uneven resizing.
    """
    from torch._decomp import core_aten_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx

    table = {**core_aten_decompositions(), **_BACKWARD}
    trace = make_fx(function, decomposition_table=table, tracing_mode="symbolic", _allow_non_fake_inputs=True)
    traced = trace(*examples)
    if unknown := sorted({str(node.target) for node in traced.graph.nodes if "backward" in str(node.target)}):
        raise ExportError(f"there is no forward formula for {', '.join(unknown)}")
    return traced


def _convolution_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    _bias_sizes: Any,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    _output_padding: list[int],
    groups: int,
    _mask: list[bool],
) -> tuple[Tensor, None, None]:
    """The input's gradient alone: weights are frozen. A convolution's is a transposed one, and the other way round."""
    if transposed:
        back = _aten.convolution(gradient, weight, None, stride, padding, dilation, False, [0, 0], groups)
        return back, None, None
    extra = [
        x.shape[2 + i]
        - ((gradient.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight.shape[2 + i] - 1) + 1)
        for i in (0, 1)
    ]
    return _aten.convolution(gradient, weight, None, stride, padding, dilation, True, extra, groups), None, None


def _max_pool_backward(gradient: Tensor, x: Tensor, kernel: list[int], *_rest: Any) -> Tensor:
    """The gradient goes to the largest pixel of a window, in equal shares where several are (common in 16 bits)."""
    factor, exact = float(kernel[0]), x.float()  # runtimes may keep 16-bit values in more bits on one side of ==
    largest = F.interpolate(F.max_pool2d(exact, kernel[0]), scale_factor=factor, mode="nearest")
    winners = (exact == largest).float()
    count = (F.avg_pool2d(winners, kernel[0]) * kernel[0] ** 2).clamp(min=1.0)
    shared = F.interpolate(gradient.float() / count, scale_factor=factor, mode="nearest")
    return (winners * shared).to(gradient.dtype)


def _average_pool_backward(gradient: Tensor, _x: Tensor, kernel: list[int], *_rest: Any) -> Tensor:
    """Every pixel of a window gets an equal share."""
    return F.interpolate(gradient, scale_factor=float(kernel[0]), mode="nearest") / (kernel[0] * kernel[0])


_BACKWARD = {
    _aten.convolution_backward.default: _convolution_backward,
    _aten.max_pool2d_with_indices_backward.default: _max_pool_backward,
    _aten.avg_pool2d_backward.default: _average_pool_backward,
}
