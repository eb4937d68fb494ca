"""||a - b||^2 / N of every image with one pass on the way back, where autograd makes five, three of them float32."""

from typing import Any

import torch
from torch import Tensor

from i2s_trt.errors import UsageError


def mean_square(a: Tensor, b: Tensor) -> Tensor:
    """The mean square [N] float32 of the difference of `a` and `b` [N, C, H, W], as written: for any derivative."""
    return _of_each(a - b)


def fused_mean_square(a: Tensor, b: Tensor) -> Tensor:
    """The same with a gradient to `a` alone, once."""
    return _MeanSquare.apply(a, b)  # type: ignore[no-untyped-call, no-any-return]


class _MeanSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        difference = a - b  # [N, C, H, W]
        ctx.save_for_backward(difference)
        return _of_each(difference)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():
            raise UsageError(
                "a fused loss's gradient cannot be differentiated again", "take the method plain, or no create_graph"
            )
        (difference,) = ctx.saved_tensors
        factor = gradients[0] * (2 / difference[0].numel())  # [N], float32 until the product is rounded
        result = torch.empty_like(difference)
        torch.mul(difference, factor.view(-1, 1, 1, 1), out=result)
        return result, None


def _of_each(difference: Tensor) -> Tensor:
    """Sums are float32 whatever the maps are."""
    if not difference.is_contiguous() and difference.is_contiguous(memory_format=torch.channels_last):
        difference = difference.permute(0, 2, 3, 1)  # in the order of its memory: no copy
    return difference.float().square().flatten(1).mean(dim=1)
