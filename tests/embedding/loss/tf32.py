"""TF32 on a machine without a GPU: products of float32 whose factors keep 10 of their 23 explicit mantissa bits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_DROPPED = 13  # bits
_KEPT = ~((1 << _DROPPED) - 1)


def nearest(x: Tensor) -> Tensor:
    """Each number the nearest that TF32 has, ties to even."""
    bits = x.view(torch.int32)
    half = (1 << (_DROPPED - 1)) - 1
    return ((bits + half + ((bits >> _DROPPED) & 1)) & _KEPT).view(torch.float32)


def truncated(x: Tensor) -> Tensor:
    """The bits cut off, as tensor cores do with numbers that nobody has rounded for them."""
    return (x.view(torch.int32) & _KEPT).view(torch.float32)


class Tf32Convolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Meanwhile float32 convolutions, there and back, get rounded inputs; they add up in float32.

    A blur, which has one filter for each channel, is no product of matrices and stays exact.
    """

    def __init__(self, rounded: Callable[[Tensor], Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rounded = rounded

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default and args[0].dtype == torch.float32 and args[-1] == 1:
            args = (self._rounded(args[0]), self._rounded(args[1]), *args[2:])
        return func(*args, **(kwargs or {}))
