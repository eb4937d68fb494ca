"""What a StyleGAN2's file says of it besides its tensors: numbers, sizes and filters, each held to what can be."""

import math
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from i2s_trt.checkpoints.records import ArrayRecord
from i2s_trt.errors import CheckpointError
from i2s_trt.models.spec import GeneratorSpec

HINT = "use a StyleGAN1 or StyleGAN2 checkpoint, for example: i2s-trt models pull ffhq"
OTHER_PARTS = "its parts belong to different networks: download it again"
_LEAST = sys.float_info.min
_REPEATED_FREE = 2**20  # bytes that any network may repeat
_FILTER = "this network was trained with a resampling filter that is not a row of four numbers"


def number(value: Any, name: str, least: float = 0.0) -> float | None:
    """A number from `least` on, or None.

    Raises:
        CheckpointError: it is something else.
    """
    if isinstance(value, ArrayRecord) and value.array.size == 1:
        value = value.array.item()
    if value is None or (isinstance(value, int | float) and math.isfinite(value) and value >= least):
        return None if value is None else float(value)
    raise CheckpointError(f"{name} is {str(value)[:40]}, where a number {_from(least)} belongs", HINT)


def positive_number(value: Any, name: str) -> float | None:
    """A number above 0, or None. Raises CheckpointError if it is something else."""
    return number(value, name, _LEAST)


def _from(least: float) -> str:
    return "above 0" if least == _LEAST else f"from {least:g} on"


def check_sizes(stated: Mapping[str, Any], spec: GeneratorSpec) -> None:
    """Hold sizes that the file states, by the names of the spec's fields, against those of its tensors.

    Raises:
        CheckpointError: they differ.
    """
    for name, value in stated.items():
        found = getattr(spec, name)
        if value is not None and value != found:
            raise CheckpointError(f"the file says {name} {_plain(value)} and holds the tensors of {found}", OTHER_PARTS)


def _plain(value: Any) -> str:
    """A size as people write it."""
    return f"{value:g}" if isinstance(value, float) else f"{value!r:.40}"


def refuse_repetition(named: int, held: int) -> None:
    """Numbers under many names are small, but would be laid out anew for each.

    Args:
        named: bytes of all tensors.
        held: bytes that the file has for them.

    Raises:
        CheckpointError: it is a network that few numbers are made to fill the memory with.
    """
    if named > 2 * held + _REPEATED_FREE:
        raise CheckpointError("it repeats the same numbers to exhaust the memory", HINT)


def row_of_taps(row: Any) -> tuple[float, ...]:
    """A filter's four taps as multiples of the smallest, as 1, 3, 3, 1 are.

    Raises:
        CheckpointError: they are not four numbers, or cancel each other out.
    """
    known = isinstance(row, list | tuple) and all(isinstance(tap, int | float) for tap in row)
    if not known or len(row) != 4 or not all(map(math.isfinite, row)) or sum(row) <= 0:
        raise CheckpointError(_FILTER, HINT)
    smallest = min(abs(tap) for tap in row if tap)
    return tuple(round(tap / smallest, 6) for tap in row)


def resample_taps(kernels: Mapping[str, Tensor], gain: float) -> tuple[float, ...]:
    """The four taps of a network's filters [4, 4], by name; 1, 3, 3, 1 if there is no filter.

    Args:
        kernels: each the outer product of the taps with themselves.
        gain: what the numbers of each sum up to.

    Raises:
        CheckpointError: one is no such product, or another than the first.
    """
    found = {name: _taps(kernel.float(), gain) for name, kernel in kernels.items()}
    first = next(iter(found), "")
    for name, taps in found.items():
        if taps != found[first]:
            raise CheckpointError(f"{name} is another filter than {first}; a network has one for all", HINT)
    return found[first] if found else (1.0, 3.0, 3.0, 1.0)


def _taps(kernel: Tensor, gain: float) -> tuple[float, ...]:
    taps = kernel.sum(dim=0)
    if kernel.shape != (4, 4) or not torch.allclose(torch.outer(taps, taps), kernel * gain, atol=1e-6 * gain**2):
        raise CheckpointError(_FILTER, HINT)
    return row_of_taps(taps.tolist())
