"""One styled layer of the synthesis with frozen weights, as one function whose backward pass keeps one activation."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.errors import UsageError
from i2s_trt.fused.convolution import convolution_backward, upsampling_backward
from i2s_trt.fused.epilogue import Epilogue, Kept, LayerConstants, Offset
from i2s_trt.models.layers import upsampling_convolution


def styled_layer(x: Tensor, style: Tensor, offset: Offset, layer: LayerConstants, epilogue: Epilogue) -> Tensor:
    """Run a layer.

    Args:
        x: [N, C_in, H, W].
        style: [N, 2C] float32: scale less 1, and shift.
        offset: of noise and bias, made by `epilogue`.
        layer: its constants.
        epilogue: the implementation to use.

    Returns:
        [N, C, H', W'] in x's dtype, with gradients to `x` and `style`.

    Raises:
        UsageError: on the way back, when gradients are wanted that can be differentiated again.
    """
    return _StyledLayer.apply(x, style, offset, layer, epilogue)  # type: ignore[no-untyped-call, no-any-return]


class _StyledLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, style: Tensor, offset: Offset, layer: LayerConstants, epilogue: Epilogue
    ) -> Tensor:
        less_one, shift = style.chunk(2, dim=1)  # [N, C] each
        scale = less_one + 1
        out, kept = epilogue.forward(_convolve(x, layer), offset, scale, shift.contiguous(), layer)
        ctx.save_for_backward(*kept, scale)
        ctx.layer, ctx.epilogue = layer, epilogue
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None, None]:
        if torch.is_grad_enabled():  # `once_differentiable` says nothing where dL/dout is constant
            raise UsageError(
                "a fused layer's gradient cannot be differentiated again", "take the method plain, or no create_graph"
            )
        *kept, scale = ctx.saved_tensors
        dx, d_scale, d_shift = ctx.epilogue.backward(gradients[0], Kept(*kept), scale, ctx.layer)
        d_input = _convolve_backward(dx, ctx.layer) if ctx.needs_input_grad[0] else None
        return d_input, torch.cat([d_scale, d_shift], dim=1), None, None, None


def _convolve(x: Tensor, layer: LayerConstants) -> Tensor:
    """Always a new tensor, which the epilogue may overwrite."""
    if layer.weight is None:
        return x.clone(memory_format=torch.channels_last)
    return upsampling_convolution(x, layer.weight) if layer.upsamples else F.conv2d(x, layer.weight, padding=1)


def _convolve_backward(gradient: Tensor, layer: LayerConstants) -> Tensor:
    if layer.weight is None:
        return gradient
    return (upsampling_backward if layer.upsamples else convolution_backward)(gradient, layer.weight)
