"""One embedding under a schedule, with its loss against steps and seconds."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.speed.bench import take_device
from benchmarks.speed.inputs import random_pictures
from i2s_trt.arithmetic import Precision
from i2s_trt.errors import EnvironmentFault

if TYPE_CHECKING:
    from i2s_trt.embedding.embed import EmbedProgress
    from i2s_trt.embedding.options import EmbedOptions
    from i2s_trt.models.spec import GeneratorSpec

PAPER, FAST = "paper", "fast"
PRECISIONS_ON_GPU: dict[str, Precision] = {
    PAPER: "bf16",
    FAST: "tf32",
}  # as `--precision auto`: in 16 bits fast ends early
_MOST_POINTS = 150
Point = tuple[float, float, float]


@dataclass(frozen=True)
class ScheduleRun:
    """What a schedule did.

    Attributes:
        points: seconds, step and total loss, in order.
        finished: whether it took all its steps.
    """

    points: tuple[Point, ...]
    finished: bool

    def reach(self, loss: float) -> Point | None:
        """The first point at a loss or below; None if it never came there."""
        return next((point for point in self.points if point[2] <= loss), None)

    def thinned(self) -> tuple[Point, ...]:
        """As many points as a chart can show at most, closer together at the beginning."""
        if len(self.points) <= _MOST_POINTS:
            return self.points
        last = len(self.points) - 1
        places = sorted({round(last ** (i / (_MOST_POINTS - 1))) for i in range(_MOST_POINTS)} | {0, last})
        return tuple(self.points[place] for place in places)


def run_schedule(
    schedule: str, model: str, steps: int, device: str, precision: str, seconds: float
) -> Iterator[object]:
    """Embed one picture; gives one `ScheduleRun`. For a process of its own.

    Args:
        schedule: `paper` or `fast`.
        model: name or path.
        steps: to take.
        device: `cpu` or `cuda`.
        precision: of weights and activations.
        seconds: after which it is stopped.

    Raises:
        UsageError: there is no such schedule.
        ModelError: there is no such model.
    """
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.embedding.embed import embed

    take_device(device)
    options = schedule_options(schedule, steps, precision)
    generator = load_generator(model).to(choose_device(device))
    points: list[Point] = []
    end = time.monotonic() + seconds

    def note(progress: "EmbedProgress") -> bool:
        points.append((progress.seconds, float(progress.steps[0]), progress.losses[0]))
        return time.monotonic() >= end

    (embedding,) = embed(generator, [picture_for(generator.spec)], options, callback=note)
    yield ScheduleRun(tuple(points), embedding.latent.status == "finished")


def schedule_options(schedule: str, steps: int, precision: str) -> "EmbedOptions":
    """The settings of a schedule. Raises UsageError for one that the embedding lacks."""
    from i2s_trt.embedding.options import EmbedOptions

    return EmbedOptions(steps=steps, schedule=schedule, precision=precision)  # type: ignore[arg-type]


def picture_for(spec: "GeneratorSpec") -> Any:
    """A photograph of the model's size where scikit-image brings one; else noise."""
    from i2s_trt.images.examples import example_picture
    from i2s_trt.images.fit import fit_picture

    try:
        return fit_picture(example_picture("astronaut"), spec)
    except EnvironmentFault:
        return random_pictures(spec, 1)[0]
