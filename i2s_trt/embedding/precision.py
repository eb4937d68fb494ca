"""Number formats of PyTorch's networks: what they mean to it, and how fp16's narrow range is kept."""

import threading
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
    (fused/synthesis.py). By itself PyTorch takes TF32 for all convolutions.

    The setting is the process's. Of a thread the innermost counts; while threads overlap, one in fp32 makes all of them
    exact: TF32 is a permission, fp32 is a promise. The last to leave puts back what was there.
    """
    _SETTING.enter(precision)
    try:
        yield
    finally:
        _SETTING.leave()


class _Setting:
    """How PyTorch multiplies float32 in convolutions and in matrix products, and who wants what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[int, list[Precision]] = {}  # by thread, the innermost last
        self._before: tuple[str, str] = ("", "")

    def enter(self, precision: Precision) -> None:
        with self._lock:
            if not self._wanted:
                self._before = self._get()
            self._wanted.setdefault(threading.get_ident(), []).append(precision)
            self._apply()

    def leave(self) -> None:
        with self._lock:
            own = self._wanted[threading.get_ident()]
            own.pop()
            if not own:
                del self._wanted[threading.get_ident()]
            self._apply()

    def _apply(self) -> None:
        exact = any(wanted[-1] == "fp32" for wanted in self._wanted.values())
        values = ("ieee" if exact else "tf32", "ieee") if self._wanted else self._before
        for backend, value in zip(self._backends(), values, strict=True):
            backend.fp32_precision = value

    def _get(self) -> tuple[str, str]:
        convolutions, products = self._backends()
        return convolutions.fp32_precision, products.fp32_precision

    @staticmethod
    def _backends() -> tuple[Any, Any]:
        return torch.backends.cudnn.conv, torch.backends.cuda.matmul  # type: ignore[attr-defined]


_SETTING = _Setting()


def loss_scale(totals: Tensor, values: int) -> Tensor:
    """Powers of two [N] by which to multiply losses [N], so that their gradients stay within fp16's range.

    A mean of squares over `values` numbers has gradients of about sqrt(loss) / values: far below 6e-8, where fp16 ends,
    or beyond 65504 where few pixels have a large loss.
    """
    ideal = values / totals.detach().clamp(min=1e-12).sqrt()
    return torch.exp2(torch.log2(ideal).round().clamp(-30, 30))
