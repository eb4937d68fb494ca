"""The training loop of the face generator: one resolution at a time, an average of the weights kept alongside."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from i2s_trt.embedding.steps.captured import stepper
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.equalised import EqualisedGenerator, average_into
from i2s_trt.training.losses import EYES_WEIGHT, MOUTH_WEIGHT, FeatureLoss, pair_loss, portrait_loss, region_weights

AVERAGE_EVERY = 4  # steps; the average moves slowly, and touching every weight takes time


@dataclass(frozen=True)
class StageOptions:
    """One resolution's training.

    Attributes:
        resolution: pixels a side.
        presentations: images shown, or fewer when `seconds` is over first.
        seconds: limit of wall-clock time.
        rate_start, rate_end: Adam's learning rate, along a half cosine.
        head_start: steps in which only the parameters new at this resolution learn.
        eyes_weight, mouth_weight: of these regions' pixels in the loss.
        pair_weight: of the loss on expressions' differences; above 0, rows 2i and 2i + 1 of the images must be one
            face with two expressions, and batches hold such pairs.
        feature_weight: of the relative L1 between VGG-16's features (`losses.FeatureLoss`), in windows of
            `feature_window` pixels a side.
        features_from: share of the stage after which they count: the loss that is reported jumps there.
        device: where the model learns; all images are held there.
    """

    resolution: int
    presentations: int = 10**9
    seconds: float = math.inf
    rate_start: float = 4e-3
    rate_end: float = 1e-4
    head_start: int = 0
    batch: int = 16
    eyes_weight: float = EYES_WEIGHT
    mouth_weight: float = MOUTH_WEIGHT
    pair_weight: float = 0.0
    feature_weight: float = 0.0
    feature_window: int = 48
    features_from: float = 0.0
    average_decay: float = 0.998
    bfloat16: bool = True
    compiled: bool = True
    device: str = "cpu"
    seed: int = 0
    report_every: int = 250


@dataclass(frozen=True)
class TrainEvent:
    """Where training stands: the loss is the mean since the last event."""

    resolution: int
    presentations: int
    seconds: float
    loss: float


@dataclass(frozen=True)
class Trained:
    """The generator as it stands and its moving average, which is what gets used."""

    current: EqualisedGenerator
    average: EqualisedGenerator


def begin(spec: GeneratorSpec, seed: int) -> Trained:
    """A fresh generator and its average, equal."""
    return Trained(EqualisedGenerator(spec, seed), EqualisedGenerator(spec, seed))


def grow(smaller: Trained, spec: GeneratorSpec, seed: int) -> tuple[Trained, list[str]]:
    """A generator of twice the resolution that keeps what was learned; also the names of its new parameters."""
    larger = begin(spec, seed)
    new = larger.current.inherit(smaller.current)
    larger.average.inherit(smaller.average)
    return larger, new


def smaller_spec(spec: GeneratorSpec, resolution: int) -> GeneratorSpec:
    """The first blocks of `spec`."""
    return replace(spec, resolution=resolution, channels=spec.channels[: int(math.log2(resolution)) - 1])


def train_stage(
    model: Trained,
    images: Tensor,
    latents: Tensor,
    options: StageOptions,
    new: list[str] | None = None,
    on_event: Callable[[TrainEvent, Trained], None] | None = None,
) -> None:
    """Trains `model` in place on images [M, 3, R, R] uint8 and their latents [M, 3, Z] float32.

    It comes back on the CPU, wherever it has learned.
    """
    device = torch.device(options.device)
    model.current.to(device), model.average.to(device)
    step = _Step(model.current, images.to(device), latents.to(device), options, new or [])
    random = torch.Generator().manual_seed(options.seed)
    began, count, total = time.monotonic(), 0, torch.zeros((), device=device)
    while (progress := _progress(count, began, options)) < 1.0:
        step.set_rates(count, progress)
        total += step.take(_draw_rows(len(images), options, random), progress >= options.features_from)
        count += 1
        if count % AVERAGE_EVERY == 0:
            average_into(model.average.raw.values(), model.current.raw.values(), _decay(count, options))
        if count % options.report_every == 0:
            mean, seconds = float(total) / options.report_every, time.monotonic() - began
            total.zero_()
            if on_event is not None:
                on_event(TrainEvent(options.resolution, count * options.batch, seconds, mean), model)
    model.current.cpu(), model.average.cpu()


class _Step:
    """One step of a stage, on tensors whose addresses stay: on a GPU it is captured as a CUDA graph and replayed.

    A step of this small a network is two thousand short kernels: launched one by one they take three times as long.
    """

    def __init__(
        self, model: EqualisedGenerator, images: Tensor, latents: Tensor, options: StageOptions, new: list[str]
    ) -> None:
        self._options, self._images, self._latents, self._device = options, images, latents, images.device
        self._optimiser = _optimiser(model, new, options)
        self._forward = torch.compile(model, dynamic=False) if options.compiled else model
        weights = region_weights(options.resolution, options.eyes_weight, options.mouth_weight)
        self._weights = weights.to(self._device)
        self._features = (
            FeatureLoss(options.feature_window, options.seed, self._device) if options.feature_weight else None
        )
        self._rows = torch.zeros(options.batch, dtype=torch.long, device=self._device)
        self._featured = False
        self._taken = self._stepper()

    def take(self, rows: Tensor, featured: bool) -> Tensor:
        """Learn from these rows, with or without the loss on features; the loss before the step."""
        self._rows.copy_(rows)
        if self._features is not None and featured:
            self._features.look_elsewhere(self._options.resolution)
            if not self._featured:
                self._featured = True
                self._taken = self._stepper()
        return self._taken()

    def set_rates(self, count: int, progress: float) -> None:
        """Warm-up, then a half cosine; during a head start only new parameters learn."""
        options = self._options
        cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
        rate = options.rate_end + (options.rate_start - options.rate_end) * cosine
        rate *= min(1.0, (count + 1) / 50)
        rates = (rate, rate if count >= options.head_start else 0.0)
        for group, value in zip(self._optimiser.param_groups, rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def _stepper(self) -> Callable[[], Tensor]:
        return stepper(self._work, self._device, None, "", warnings.warn)

    def _work(self) -> Tensor:
        options = self._options
        targets = self._images[self._rows].float() / 127.5 - 1.0
        with torch.autocast(self._device.type, torch.bfloat16, enabled=options.bfloat16):
            output = self._forward(self._latents[self._rows])
        loss = portrait_loss(output.float(), targets, self._weights)
        if options.pair_weight:
            loss = loss + options.pair_weight * pair_loss(output.float(), targets, self._weights)
        if self._features is not None and self._featured:
            loss = loss + options.feature_weight * self._features(output.float(), targets)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.detach()


def _draw_rows(count: int, options: StageOptions, random: torch.Generator) -> Tensor:
    """A batch's rows: any, or whole pairs."""
    if not options.pair_weight:
        return torch.randint(0, count, (options.batch,), generator=random)
    first = 2 * torch.randint(0, count // 2, (options.batch // 2, 1), generator=random)
    return torch.cat([first, first + 1], dim=1).flatten()


def _progress(step: int, began: float, options: StageOptions) -> float:
    shown = step * options.batch / options.presentations
    return max(shown, (time.monotonic() - began) / options.seconds)


def _optimiser(model: EqualisedGenerator, new: list[str], options: StageOptions) -> torch.optim.Optimizer:
    """Adam over two groups: parameters new at this resolution, and those that an earlier stage has trained."""
    groups: list[dict[str, Any]] = [
        {"params": [parameter for name, parameter in model.raw.items() if name in new]},
        {"params": [parameter for name, parameter in model.raw.items() if name not in new]},
    ]
    on_gpu = torch.device(options.device).type == "cuda"
    if on_gpu:  # a captured step reads its rates from memory
        for group in groups:
            group["lr"] = torch.zeros((), device=options.device)
    return torch.optim.Adam(groups, options.rate_start, betas=(0.9, 0.99), fused=True, capturable=on_gpu)


def _decay(step: int, options: StageOptions) -> float:
    return float(min(options.average_decay, (step + 1) / (step + 10)) ** AVERAGE_EVERY)
