"""How a GPU multiplies float32 numbers: exactly or fast, a setting of the whole process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

Precision = Literal["fp32", "tf32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


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
        import torch  # here: the options of a run name precisions, and know nothing of torch

        return torch.backends.cudnn.conv, torch.backends.cuda.matmul  # type: ignore[attr-defined]


_SETTING = _Setting()
