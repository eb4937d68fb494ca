"""One whole evaluation of the embedding's objective with its gradient: w+ -> losses and dL/dw+, without PyTorch.

The backward pass is traced to plain forward operations: `torch.func.grad` under `make_fx`, with the backward formulas
below for what has no ONNX operator of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from export.graph import EXAMPLE_BATCH, Graph, gaussian
from export.graphs.features import losses_against, objective_in, target_inputs
from export.graphs.synthesis import noise_inputs
from export.keys import Precision
from export.precision import generator_in
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_aten = torch.ops.aten


def objective_gradient_graph(
    generator: Generator, vgg: Vgg16, options: ObjectiveOptions, precision: Precision = "fp32"
) -> Graph:
    """`w_plus`, `target` [N, 3, H, W], its features and the noise maps -> `losses` [N, T] and `gradient` [N, L, D].

    The gradient is that of the sum of the totals, so each row is its own image's.
    """
    reduced = generator_in(generator, precision)
    objective = objective_in(vgg, generator.spec, options, precision)
    targets, noise = target_inputs(vgg, generator.spec, options), noise_inputs(generator)
    layers = len(objective.layers)

    def losses(w_plus: Tensor, target: Tensor, *rest: Tensor) -> Tensor:
        images = reduced.crop(reduced.synthesis(w_plus, rest[layers:]))
        return losses_against(objective, images, target, rest[:layers])

    def function(w_plus: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
        def total(latents: Tensor) -> tuple[Tensor, Tensor]:
            terms = losses(latents, *rest)
            return terms[:, 0].sum(), terms

        gradient, terms = torch.func.grad(total, has_aux=True)(w_plus)
        return terms, gradient

    w_plus = gaussian(EXAMPLE_BATCH, generator.num_layers, generator.w_dim)
    examples = {"w_plus": w_plus, **targets, **noise}
    return Graph(
        name="objective_gradient",
        precision=precision,
        function=forward_only(function, list(examples.values())),
        examples=examples,
        batched=frozenset({"w_plus", *targets}),
        outputs=("losses", "gradient"),
        model_digest=generator.digest,
        defaults=noise,
    )


def forward_only(function: Callable[..., Any], examples: Sequence[Tensor]) -> torch.fx.GraphModule:
    """Trace a function that differentiates into one that only goes forward, with a free batch size."""
    from torch._decomp import core_aten_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx

    table = {**core_aten_decompositions(), **_BACKWARD}
    trace = make_fx(function, decomposition_table=table, tracing_mode="symbolic", _allow_non_fake_inputs=True)
    return trace(*examples)


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
