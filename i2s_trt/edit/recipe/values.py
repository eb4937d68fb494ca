"""Values of a recipe that may be swept: one, a list, or a range of steps."""

import math
import re
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

_MANY = 10_000
_RANGE_KEYS = ("from", "to", "steps")
_LAYERS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")


def numbers(value: Any) -> tuple[float, ...]:
    """A number, a list of numbers, or `{ from = -1, to = 1, steps = 5 }`. Raises ValueError for anything else."""
    values = _range(value) if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    if len(values) > _MANY:
        raise ValueError(f"{len(values)} values are more than {_MANY}")
    if not values or not all(_is_number(item) for item in values):
        raise ValueError("write a number, a list of numbers, or { from = -1, to = 1, steps = 5 }")
    return tuple(float(item) for item in values)


def names(value: Any) -> tuple[str, ...]:
    """A text or a list of texts. Raises ValueError for anything else."""
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(item, str) and item for item in values):
        raise ValueError("write the name of a file in quotes, or a list of such names")
    return tuple(values)


def layers(value: Any) -> tuple[int, ...] | None:
    """Layers as `"9-17"`, `"0-3,8"` or a list of numbers. Raises ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, str):
        value = [layer for part in value.split(",") for layer in _layer_range(part.strip())]
    if not isinstance(value, list | tuple) or not value or not all(type(item) is int for item in value):
        raise ValueError('write layers as "9-17", "0-3,8" or [9, 10, 11]')
    return tuple(sorted(set(value)))


Numbers = Annotated[tuple[float, ...], BeforeValidator(numbers)]
Names = Annotated[tuple[str, ...], BeforeValidator(names)]
Layers = Annotated[tuple[int, ...] | None, BeforeValidator(layers)]


def _range(table: dict[str, Any]) -> list[float]:
    first, last, steps = (table.get(key) for key in _RANGE_KEYS)
    if len(table) != 3 or not (_is_number(first) and _is_number(last)) or type(steps) is not int:
        raise ValueError("a range needs numbers for from and to, and 2 or more whole steps, and nothing else")
    if not 2 <= steps <= _MANY:
        raise ValueError(f"a range needs 2 to {_MANY} steps, not {steps}")
    return [float(item) for item in np.linspace(float(first or 0), float(last or 0), steps).round(12)]


def _layer_range(part: str) -> list[Any]:
    match = _LAYERS.fullmatch(part)
    return list(range(int(match[1]), int(match[2] or match[1]) + 1)) or [None] if match else [None]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
