"""What a step should take on a card: a prediction to hold the first measurement against, not a measurement.

Each operation takes the longer of computing and moving, at the part of the card's stated rates that an H200 is known to
reach; and a while to start, which inside a CUDA graph is assumed, not measured.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.speed.kernels.cards import Card
from benchmarks.speed.kernels.trace import CONVOLUTION, EPILOGUE, OTHER, Operation

BANDWIDTH_REACHED = 0.9  # 4.3 of 4.8 TB/s in copies on an H200
RATE_REACHED = 0.8  # 788 of 989 TFLOP/s in bf16 and about 400 of 494 in TF32, in products on an H200
START_SECONDS = 1.5e-6  # from the end of one kernel of a graph to the next one's work: assumed
STARTS = "starts"
PARTS = (CONVOLUTION, EPILOGUE, OTHER, STARTS)


@dataclass(frozen=True)
class Prediction:
    """A step's time.

    Attributes:
        milliseconds: of each part of PARTS.
        kernels: that start.
    """

    milliseconds: dict[str, float]
    kernels: int

    @property
    def total(self) -> float:
        """Milliseconds of the step."""
        return sum(self.milliseconds.values())

    @property
    def longest(self) -> str:
        """The part that takes most."""
        return max(self.milliseconds, key=lambda part: self.milliseconds[part])


def predicted(operations: Iterable[Operation], card: Card, precision: str) -> Prediction:
    """The time of a step's operations on a card, the step's precision being one of `fp32`, `tf32`, `bf16`, `fp16`."""
    seconds = dict.fromkeys(PARTS, 0.0)
    kernels = 0
    for operation in operations:
        seconds[operation.part] += _seconds(operation, card, precision)
        kernels += 1
    seconds[STARTS] = kernels * START_SECONDS
    return Prediction({part: value * 1e3 for part, value in seconds.items()}, kernels)


def moving(traffic: float, card: Card) -> float:
    """Seconds of reading and writing so many bytes."""
    return traffic / (card.gigabytes * 1e9 * BANDWIDTH_REACHED)


def _seconds(operation: Operation, card: Card, precision: str) -> float:
    kind = precision
    if operation.wide:  # below 32 pixels, and styles; PyTorch takes TF32 for convolutions where it is allowed
        kind = "tf32" if operation.convolves and precision != "fp32" else "fp32"
    computing = operation.flops / (card.teraflops[kind] * 1e12 * RATE_REACHED)
    return max(computing, moving(operation.traffic, card))
