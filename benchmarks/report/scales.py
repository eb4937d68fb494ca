"""Axes: values to places, and the round numbers that are written along them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.numbers import digits

_STEPS = (1, 2, 2.5, 5, 10)
_MANTISSAS = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,))  # ticks of a decade, the closest first
_ROOM = 0.04  # of the axis beyond the outermost values


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, logarithmic: bool) -> "Scale":
        """An axis with room around the values; a linear one begins at zero, as lengths are compared there."""
        if logarithmic and min(values) > 0:
            low, high = math.log10(min(values)), math.log10(max(values))
            room = max((high - low) * _ROOM, 0.05)
            return cls(10 ** (low - room), 10 ** (high + room), logarithmic=True)
        low, high = min(0.0, *values), max(0.0, *values)
        room = (high - low) * _ROOM or 1.0
        return cls(low - (room if low < 0 else 0.0), high + (room if high > 0 or low == 0 else 0.0))

    def place(self, value: float) -> float:
        """Between 0 at the low end and 1 at the high end."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Round values within the axis, with their words; about `most` of them, which is four or more."""
        values = self._decades(most) if self.logarithmic else self._steps(most)
        return [(value, digits(value)) for value in values]

    def _steps(self, most: int) -> list[float]:
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{i * step:.12g}") for i in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for mantissas in _MANTISSAS:
            found = self._within([m * 10.0**e for e in range(first, last + 1) for m in mantissas])
            if 2 <= len(found) <= most:
                return found
        exponents = range(first, last + 1)
        every = math.ceil(len(exponents) / most)
        sparse = self._within([10.0**e for e in exponents if e % every == 0])
        return sparse if len(sparse) > 1 else [self.low, self.high]

    def _within(self, values: list[float]) -> list[float]:
        return [value for value in values if self.low <= value <= self.high]
