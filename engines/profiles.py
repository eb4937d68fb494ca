"""Optimisation profiles: which batch sizes an engine takes, and for which it is tuned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from i2s_trt.errors import UsageError

MAX_BATCH = 64  # the graphs are exported for so many at most
Shape = tuple[int, ...]


@dataclass(frozen=True)
class BatchProfile:
    """Smallest, tuned and largest batch."""

    smallest: int
    tuned: int
    largest: int

    @classmethod
    def of(cls, batches: Sequence[int]) -> "BatchProfile":
        """The profile that covers these batch sizes, tuned for the middle one.

        Raises:
            UsageError: none, or outside 1..64.
        """
        ordered = sorted(set(batches))
        if not ordered or ordered[0] < 1 or ordered[-1] > MAX_BATCH:
            raise UsageError(f"batch sizes {list(batches)} cannot be built", f"give some from 1 to {MAX_BATCH}")
        return cls(ordered[0], ordered[len(ordered) // 2], ordered[-1])

    def shapes(self, inputs: Mapping[str, Sequence[int | str]]) -> dict[str, tuple[Shape, Shape, Shape]]:
        """Smallest, tuned and largest shape of every input whose first dimension is `N`."""
        found = {}
        for name, shape in inputs.items():
            if shape[0] == "N":
                rest = tuple(int(side) for side in shape[1:])
                found[name] = ((self.smallest, *rest), (self.tuned, *rest), (self.largest, *rest))
        return found


def parse_batches(text: str) -> BatchProfile:
    """`1,4,8` -> a profile. Raises UsageError for anything else."""
    parts = [part for part in text.replace(" ", "").split(",") if part]
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise UsageError(f"--batch {text!r} is not a list of batch sizes", "write 1,4,8")
    return BatchProfile.of([int(part) for part in parts])
