"""Chooses the precision of a run by measuring it on this machine."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from i2s_trt.arithmetic import Precision
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.steps.captured import Step
from i2s_trt.memory import kept_memory
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_CANDIDATES: dict[str, tuple[Precision, ...]] = {"cpu": ("fp32", "bf16"), "cuda": ("tf32", "bf16")}
# Steps between two looks at the clock. On a GPU a look waits for the device, and the first steps, before the capture
# is replayed, are others than those that follow: a round holds more than them, and the first round does not count.
_ROUND = {"cpu": 1, "cuda": 10}
_REPEATS = 3
_WORTH_IT = 1.15  # times faster: below that the more exact one is taken
_TOO_FEW_ROUNDS = 10 * _REPEATS  # to win back what measuring takes


@dataclass(frozen=True)
class Choice:
    """A precision and how it was found.

    Attributes:
        precision: the one to take.
        seconds: of a step in each one that was tried; none where that was not worth it.
        unmeasured: why nothing was tried; empty where something was.
    """

    precision: Precision
    seconds: Mapping[Precision, float]
    unmeasured: str = ""


def choose_precision(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> Choice:
    """The fastest precision for a run, by a short measurement; the exact one where it gains too little.

    The fast schedule runs in the exact one: the losses of 16 bits jitter, and there it ends with a loss a third higher
    (docs/fast-schedule.md), however fast its steps are. Adam averages the jitter out.

    The compiler is not among the candidates: the half minute and more that it takes would not be won back, and on a
    CPU its step is the slower one (docs/embedding.md).

    Args:
        generator: on the device to use.
        vgg: the feature network.
        options: of the run.
    """
    device = generator.mean_w.device.type
    exact, fast = _CANDIDATES.get(device, ("fp32", "fp32"))
    if options.schedule == "fast":
        return Choice(exact, {}, "with fewer bits the fast schedule ends at a higher loss")
    if options.optimises_noise:
        return Choice(exact, {}, "noise is optimised in 32 bits")
    if exact == fast or options.steps < _TOO_FEW_ROUNDS * _ROUND[device]:
        return Choice(exact, {}, "too few steps to measure")
    with kept_memory():
        seconds = {name: _seconds(generator, vgg, replace(options, precision=name)) for name in (exact, fast)}
    return Choice(fast if seconds[fast] * _WORTH_IT < seconds[exact] else exact, seconds)


def _seconds(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> float:
    """Median time of a step of one picture, taken as the run will take it: replayed, where it can be captured."""
    endless = replace(options, init="mean", init_digest="", plateau_steps=0)
    grey = np.full((*generator.spec.picture_size, 3), 128, np.uint8)
    problem = EmbedProblem(Embedder(generator, endless, vgg, announce=_say_nothing), [grey])
    step, count = problem.stepper(problem.start()), _ROUND[problem.device.type]
    _, *times = (_seconds_of(step, count) for _ in range(1 + _REPEATS))
    return statistics.median(times)


def _seconds_of(step: Step, count: int) -> float:
    begun = time.perf_counter()
    for _ in range(count):
        losses = step()
    losses.sum().item()  # waits for the device
    return (time.perf_counter() - begun) / count


def _say_nothing(_: str) -> None:
    """The run itself will say it."""
