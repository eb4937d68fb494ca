"""Chooses the precision of a run by measuring it on this machine."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from i2s_trt.embedding.gradient import Gradient
from i2s_trt.embedding.memory import kept_memory
from i2s_trt.embedding.options import EmbedOptions, Precision
from i2s_trt.embedding.spaces import variable_shape
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_CANDIDATES: dict[str, tuple[Precision, ...]] = {"cpu": ("fp32", "bf16"), "cuda": ("tf32", "bf16")}
_REPEATS = 3
_WORTH_IT = 1.15  # times faster: below that the more exact one is taken
_TOO_FEW_STEPS = 10 * _REPEATS  # to win back what measuring takes


@dataclass(frozen=True)
class Choice:
    """A precision, and the seconds of an evaluation in each one that was tried; none where that was not worth it."""

    precision: Precision
    seconds: Mapping[Precision, float]


def choose_precision(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> Choice:
    """The fastest precision for a run, by a short measurement; the exact one where it gains too little.

    The compiler is not among the candidates: the half minute and more that it takes would not be won back, and on a
    CPU its step is the slower one (docs/embedding.md).

    Args:
        generator: on the device to use.
        vgg: the feature network.
        options: of the run.
    """
    exact, fast = _CANDIDATES.get(generator.mean_w.device.type, ("fp32", "fp32"))
    if exact == fast or options.steps < _TOO_FEW_STEPS:
        return Choice(exact, {})
    with kept_memory():
        seconds = {name: _seconds(generator, vgg, replace(options, precision=name)) for name in (exact, fast)}
    return Choice(fast if seconds[fast] * _WORTH_IT < seconds[exact] else exact, seconds)


def _seconds(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> float:
    """Median time of an evaluation of one image."""
    device = generator.mean_w.device
    gradient = Gradient(generator, vgg.to(device), options)
    variable = torch.zeros(1, *variable_shape(generator, options.space), device=device)
    objective = gradient.objective(torch.zeros(1, 3, *generator.spec.picture_size, device=device))
    times = []
    for _ in range(_REPEATS + 1):
        begun = time.perf_counter()
        gradient(variable, objective)[0].sum().item()  # waits for the device
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])
