"""Convolutions with frozen weights. Their backward pass needs the weights alone, so no activation is kept for it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x` [N, C_in, H, W] with `weight` [C, C_in, K, K], K odd, zeros beyond the border -> [N, C, H, W]."""
    return _Convolution.apply(x, weight, bias)  # type: ignore[no-untyped-call, no-any-return]


def convolution_backward(gradient: Tensor, weight: Tensor) -> Tensor:
    """The gradient at the input of `convolution`."""
    return F.conv_transpose2d(gradient, weight, padding=weight.shape[-1] // 2)


def upsampling_backward(gradient: Tensor, kernel: Tensor) -> Tensor:
    """The gradient at the input of `models.layers.upsampling_convolution`."""
    return F.conv2d(gradient, kernel, stride=2, padding=1)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return convolution_backward(gradients[0], weight), None, None
