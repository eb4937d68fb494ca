"""What a suite is given: what to measure, how thoroughly, and how much time there is."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from benchmarks.speed.schema import Item, Progress, Skip
from i2s_trt.errors import I2sError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
DEFAULT_MODELS = ("random-1024", "demo")
Produced = Iterator[Item | Progress]


@dataclass(frozen=True)
class Bench:
    """The settings of a run, as suites see them; picklable.

    Attributes:
        device: `cpu`, `cuda` or `cuda:N`.
        models: names or paths of the generators to measure.
        quick: a trial: few repeats, small batches.
        deadline: on the monotonic clock; no new measurement begins that would pass it.
        pictures: to embed where quality is measured: files, or names of photographs that come with scikit-image; all
            of these if none are named.
        identity: file of a face recogniser, ONNX; empty for none.
        network: bytes a second that a cluster's network carries; 0 for what Ray moves within this machine.
        folder: on the disk that a cluster's outputs go to; None for the temporary one.
    """

    device: str = "cpu"
    models: tuple[str, ...] = DEFAULT_MODELS
    quick: bool = False
    deadline: float = float("inf")
    pictures: tuple[str, ...] = ()
    identity: str = ""
    network: float = 0.0
    folder: str | None = None

    def torch_device(self) -> "torch.device":
        """Raises EnvironmentFault without such a GPU."""
        from i2s_trt.devices import choose_device

        return choose_device(self.device)

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU is measured."""
        return self.device.startswith("cuda")

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def until(self, seconds: float) -> "Bench":
        """The same with an earlier deadline."""
        return replace(self, deadline=min(self.deadline, time.monotonic() + seconds))

    def of(self, models: tuple[str, ...]) -> "Bench":
        """The same for other models."""
        return replace(self, models=models)

    def shared(self, items: Mapping[T, float], least: float = 0.0) -> "Iterator[tuple[T, Bench]]":
        """Each item with a deadline of its own: what one leaves of its share of the time goes to those after it.

        A share is at least `least` seconds, or nothing where they are not left: the first items are the important ones.
        """
        weights = list(items.values())
        for place, item in enumerate(items):
            left = self.left()
            share = max(left * weights[place] / sum(weights[place:]), least)
            yield item, self.until(share if share <= left else 0.0)

    def rounds(self, least: int) -> int:
        """How many rounds there must be; in a trial two."""
        return min(least, 2) if self.quick else least


def take_device(device: str) -> None:
    """Make a GPU the current one of this process: its events, streams and memory are those that are asked for then."""
    if device.startswith("cuda:"):
        import torch

        torch.cuda.set_device(device)


@contextmanager
def skipping(what: str, skipped: list[Skip]) -> Iterator[None]:
    """Record in `skipped` why something could not be measured, instead of ending the suite."""
    try:
        yield
    except I2sError as error:
        skipped.append(Skip(what, one_line(error)))


def one_line(error: I2sError) -> str:
    """What is wrong and what to do, on one line."""
    text = str(error.args[0]) if error.args else type(error).__name__
    return f"{text}; {error.hint}" if error.hint else text
