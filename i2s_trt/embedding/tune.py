"""Pivotal tuning (Roich et al. 2021): the generator changes a little around one latent, until it draws the photograph.

The paper's W+ alone leaves a photograph slightly smoothed. Here the finer layers' weights and noise maps are optimised
with the latent held fixed: Eq. 1 at the latent, and for the weights at other latents the same objective with the
model's own pictures as targets, so that their change stays local. What lies in one place of one picture goes into the
noise maps: weights that had to draw it would draw it everywhere, and resist edits.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from i2s_trt.arithmetic import arithmetic
from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import Delta, changed, rounded
from i2s_trt.embedding.loss.gradient import Announce, warn
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions, TuneOptions
from i2s_trt.embedding.steps.tuning import Changing, Place, TuningStep
from i2s_trt.images.fit import to_pixels, to_target
from i2s_trt.latents import latent_digest
from i2s_trt.memory import kept_memory
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_ANCHORS = 8  # latents at which the model shall stay as it is
_ANCHORS_SEED = 0
_WARM_UP = 8  # steps


@dataclass(frozen=True)
class Tuned:
    """A tuned generator's change, and what it draws.

    Attributes:
        delta: the change, rounded as its file rounds it.
        picture: uint8 [H, W, 3], the latent drawn with it.
        losses: Eq. 1 before each step, with the tuning's weight of pixels, and features as they were last looked at.
        mean_square_errors: of the picture before and after, over 0..255.
    """

    delta: Delta
    picture: Pixels
    losses: tuple[float, ...]
    mean_square_errors: tuple[float, float]


Look = Callable[[int, Callable[[], Tuned]], None]


class Tuner:
    """A generator made ready to be tuned to one picture after the other.

    Args:
        generator: on the device to use; it is never changed.
        vgg: feature network, on the same device.
        objective: of the embedding, whose style and prior have no part; VGG looks at 256 pixels at least.
        options: of the tuning.
        announce: called with why a GPU's steps cannot be captured, if so.
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        objective: ObjectiveOptions,
        options: TuneOptions,
        announce: Announce = warn,
    ) -> None:
        self._generator, self._vgg, self._options = generator, vgg, options
        size = objective.perceptual_size and max(objective.perceptual_size, ObjectiveOptions.perceptual_size)
        self._objective = replace(
            objective, pixel_weight=options.pixel_weight, style_weight=0.0, prior_weight=0.0, perceptual_size=size
        )
        self._device: torch.device = generator.mean_w.device
        self._names = tunable(generator, options.coarsest)
        self._noise_names = tunable_noise(generator, options.coarsest) if options.noise_rate else []
        self._announce = announce
        self._step: TuningStep | None = None

    def __call__(
        self,
        w_plus: WPlus,
        picture: Pixels,
        report: Callable[[int, float], None] = lambda _step, _loss: None,
        should_stop: Callable[[], bool] = lambda: False,
        look: Look = lambda _step, _so_far: None,
    ) -> Tuned:
        """Tune to a picture.

        Args:
            w_plus: float32 [L, D], the pivot: the picture's latent.
            picture: uint8 [H, W, 3], of the model's picture size.
            report: called with the steps done and the loss before the latest.
            should_stop: asked after each step; true ends the tuning with what there is.
            look: called after each step with the steps done and what describes the tuning as it is then.
        """
        pivot = torch.tensor(w_plus, device=self._device)[None]
        losses: list[float] = []
        with arithmetic("fp32"), kept_memory(), torch.enable_grad():
            one_step = self._ready(pivot, to_target(picture)[None].to(self._device))
            so_far = partial(self._describe, w_plus, picture, one_step.now, losses)
            for step in range(self._options.steps):
                losses.append(one_step(step, ramp(step, self._options.steps)))
                report(step + 1, losses[-1])
                look(step + 1, so_far)
                if should_stop():
                    break
        return so_far()

    def _ready(self, pivot: Tensor, target: Tensor) -> TuningStep:
        """What takes the steps for a picture, the same for all of them, from the model's own tensors."""
        if self._step is None:
            options = self._options
            anchors = self._make_anchors() if options.locality else []
            self._step = TuningStep(
                self._render, self._own(), pivot, target, anchors, self._vgg, self._objective, options, self._announce
            )
        else:
            self._step.begin(pivot, target)
        return self._step

    def _own(self) -> Changing:
        """The model's own tensors of those that change."""
        synthesis = self._generator.synthesis
        start = {**dict(synthesis.named_parameters()), **dict(synthesis.named_buffers())}
        weights, noise = ({name: start[name] for name in names} for names in (self._names, self._noise_names))
        return Changing(weights, noise)

    @torch.no_grad()
    def _make_anchors(self) -> list[Place]:
        generator, random = self._generator, np.random.default_rng(_ANCHORS_SEED)
        z = torch.from_numpy(random.standard_normal((_ANCHORS, generator.z_dim), dtype=np.float32))
        latents = generator.broadcast(generator.mapping(z.to(self._device)))
        return [(one, self._own_objective(generator(one))) for one in torch.split(latents, 1)]

    def _own_objective(self, target: Tensor) -> Objective:
        return Objective(target, self._vgg, self._objective)

    def _render(self, w_plus: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        tensors = {**weights, **energies(self._generator, weights)}
        image: Tensor = functional_call(self._generator.synthesis, tensors, (w_plus,))
        return self._generator.crop(image)

    def _describe(self, w_plus: WPlus, target: Pixels, now: Changing, losses: list[float]) -> Tuned:
        start = self._own().all
        differences = {
            f"synthesis.{name}": rounded((tensor - start[name]).detach().cpu().numpy())
            for name, tensor in now.all.items()
        }
        record = {"options": self._options.to_json(), "losses": [round(loss, 1) for loss in losses]}
        delta = Delta(self._generator.digest, latent_digest(w_plus), differences, record)
        pivot = torch.tensor(w_plus, device=self._device)[None]
        with torch.no_grad(), arithmetic("fp32"):
            before, after = (to_pixels(one(pivot))[0] for one in (self._generator, changed(self._generator, delta)))
        own, tuned = (float(np.square(drawn.astype(np.float64) - target).mean()) for drawn in (before, after))
        return Tuned(delta, after, tuple(losses), (own, tuned))


def ramp(step: int, steps: int) -> float:
    """What part of its highest a rate has at a step: up within eight, then down along a cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * (1 + math.cos(math.pi * step / steps)) / 2


def tunable(generator: Generator, coarsest: int) -> list[str]:
    """Names, in the synthesis network, of the parameters that a tuning may change: of convolutions and colours."""
    wanted = _fine_layers(generator, coarsest)
    names = [name for name, _ in generator.synthesis.named_parameters()]
    return [name for name in names if ".style." not in name and name.startswith((*wanted, "to_rgb.", "skips."))]


def tunable_noise(generator: Generator, coarsest: int) -> list[str]:
    """Names, in the synthesis network, of the noise maps that a tuning may change."""
    names = [name for name, _ in generator.synthesis.named_buffers()]
    return [name for name in names if name.endswith(".noise") and name.startswith(_fine_layers(generator, coarsest))]


def _fine_layers(generator: Generator, coarsest: int) -> tuple[str, ...]:
    """How the names of layers begin that have so many pixels a side, or a quarter of the picture's."""
    spec = generator.spec
    least = min(coarsest, spec.resolution // 4)
    fine = [index for index in range(spec.num_layers) if spec.layer_resolution(index) >= least]
    return tuple(f"layers.{index}." for index in fine)


def energies(generator: Generator, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a StyleGAN2 keeps of its convolutions' weights, of those that have changed: [C, C_in] float32, by name."""
    buffers = dict(generator.synthesis.named_buffers())
    named = {name.removesuffix("weight") + "energy": weight for name, weight in weights.items()}
    return {name: weight.float().square().sum(dim=(2, 3)) for name, weight in named.items() if name in buffers}
