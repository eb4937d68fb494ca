"""Number formats of the embedding step: what they mean to PyTorch, and how fp16's narrow range is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from i2s_trt.embedding.options import Precision

_FORMATS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def activation_dtype(precision: Precision) -> torch.dtype:
    """Of the weights and activations of both networks."""
    return _FORMATS[precision]


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """How a GPU multiplies float32 meanwhile: exactly in `fp32`, else convolutions in TF32, matrices exactly.

    Beside 16 bits that makes the layers that stay float32 as fast as they can be, and their gradients no worse
    (models/frozen_synthesis.py). By itself PyTorch takes TF32 for all convolutions.
    """
    backends: tuple[Any, Any] = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    wanted = ("ieee" if precision == "fp32" else "tf32", "ieee")
    try:
        for backend, value in zip(backends, wanted, strict=True):
            backend.fp32_precision = value
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.fp32_precision = value


def loss_scale(totals: Tensor, values: int) -> Tensor:
    """Powers of two [N] by which to multiply losses [N], so that their gradients stay within fp16's range.

    A mean of squares over `values` numbers has gradients of about sqrt(loss) / values: far below 6e-8, where fp16 ends.
    """
    ideal = values / totals.detach().clamp(min=1e-12).sqrt()
    return torch.exp2(torch.log2(ideal).round().clamp(0, 30))
