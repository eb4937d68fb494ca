"""Algorithm 1 of the paper: pictures in, latents out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor

from i2s_trt.arithmetic import arithmetic
from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.checkpoints.encoders import PictureEncoder
from i2s_trt.devices import cpu_threads
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.start.point import given_variables
from i2s_trt.embedding.start.spaces import image_seed, initial_variable, noise_maps, to_w_plus
from i2s_trt.embedding.steps.captured import Step, stepper
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.steps.state import STATUS_NAMES, EmbedState
from i2s_trt.errors import ImageError
from i2s_trt.images.fit import picture_digest, to_pixels, to_target
from i2s_trt.latents import Latent
from i2s_trt.memory import kept_memory
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_STEPS_BETWEEN_READS = 50  # on a GPU, where reading the loss means waiting for the device


@dataclass(frozen=True)
class EmbedProgress:
    """What a callback sees.

    Attributes:
        steps: steps done by each image.
        of: steps in all.
        losses: total loss of each image before its latest step.
        seconds: of this run.
        state: for snapshots; not to be changed.
    """

    steps: tuple[int, ...]
    of: int
    losses: tuple[float, ...]
    seconds: float
    state: EmbedState


@dataclass(frozen=True)
class Embedding:
    """One embedded picture.

    Attributes:
        latent: the point of W+ with its record.
        picture: uint8 [H, W, 3], G(w*).
        target: uint8 [H, W, 3], what was embedded.
        state: the optimiser's state, to go on from.
    """

    latent: Latent
    picture: Pixels
    target: Pixels
    state: EmbedState


Callback = Callable[[EmbedProgress], bool | None]


class EmbedProblem:
    """A batch of pictures to be embedded.

    Args:
        embedder: the model made ready, and the options.
        pictures: uint8 [H, W, 3] each, of the model's picture size.
        style_pictures: for the style loss, one for each picture.
        initial: w_plus [L, D] to start from when `options.init` is `latent`, or the encoder when it is `encoder`.

    Raises:
        ImageError: a picture has another size.
        LatentError: `initial` cannot be used in the chosen space.
    """

    def __init__(
        self,
        embedder: Embedder,
        pictures: Sequence[Pixels],
        style_pictures: Sequence[Pixels] | None = None,
        initial: WPlus | PictureEncoder | None = None,
    ) -> None:
        self.embedder, self.generator, self.options = embedder, embedder.generator, embedder.options
        self.device = embedder.device
        self.pictures = [_check(picture, self.generator) for picture in pictures]
        self._initial = given_variables(initial, self.pictures, self.options)
        self.digests = [picture_digest(picture) for picture in pictures]
        self.seeds = [image_seed(self.options.seed, digest) for digest in self.digests]
        self._noise_part = embedder.gradient.noise
        self._constant_noise = noise_maps(self.generator, self.options, 0, 0)
        self._targets = self._tensor(pictures)
        self._styles = self._targets if style_pictures is None else self._tensor(style_pictures)
        # The CPU's convolutions round differently for every batch size, and Adam amplifies that: so there each image
        # is computed by itself, which makes a batch equal its single runs exactly, for about a quarter more time.
        size = 1 if self.device.type == "cpu" else len(pictures)
        self._batch = Batch(embedder.gradient, self._targets, self._styles, self._noise, size, embedder.announce)

    def start(self) -> EmbedState:
        """The state before the first step."""
        variables = self._initial or [initial_variable(self.generator, self.options, seed) for seed in self.seeds]
        if self._noise_part is not None:
            variables = [self._noise_part.join(variable) for variable in variables]
        return self.embedder.rule.start(torch.stack(variables).to(self.device))

    def losses_and_gradient(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        """Loss terms [N, T] and the gradient [N, ...] of the totals at the state's variables.

        On the CPU images that have stopped are not computed; their rows are nan and zero.
        """
        return self._batch(state)

    def stepper(self, state: EmbedState, capture: bool | None = None) -> Step:
        """What takes one step of a state, in place, each time it is called.

        Args:
            state: its tensors keep their addresses.
            capture: whether to capture the step as a CUDA graph; by default, wherever that is possible.
        """

        def step() -> Tensor:
            losses, gradient = self.losses_and_gradient(state)  # Algorithm 1, line 3
            self.embedder.rule.advance(state, losses, gradient)  # line 4
            return losses

        obstacle = "its noise is drawn anew each time" if self.options.noise == "resampled" else ""
        return stepper(step, self.device, capture, obstacle, self.embedder.announce)

    def running(self: Self, state: EmbedState) -> tuple[Step, EmbedState]:
        """What takes a run's steps, and the state that it changes: the given one, or that of a captured step.

        A captured step reads and writes the tensors that it was made with. So the first problem of its kind stays with
        the embedder, and those after it lend it their values.
        """
        if self.device.type == "cpu" or self.options.noise == "resampled":
            return self.stepper(state), state
        kind = (type(self), type(state), len(self.pictures), self._styles is self._targets)
        if kind not in self.embedder.captured:
            own = state.to(self.device)
            self.embedder.captured[kind] = (self, own, self.stepper(own))
        first, own, step = cast("tuple[Self, EmbedState, Step]", self.embedder.captured[kind])
        if first is not self:
            first.take_inputs(self)
        own.take(state)
        return step, own

    def take_inputs(self, other: Self) -> None:
        """Have the tensors that a step reads hold another problem's values, at the addresses that they have."""
        self._targets.copy_(other._targets)
        if self._styles is not self._targets:
            self._styles.copy_(other._styles)
        self._batch.renew()

    def finish(self, state: EmbedState, seconds: float) -> list[Embedding]:
        """Render the end point of every image and describe it, multiplying as its steps did."""
        with arithmetic(self.options.precision):
            return [self._describe(state.select(i), i, seconds) for i in range(len(self.seeds))]

    @torch.no_grad()
    def _describe(self, state: EmbedState, index: int, seconds: float) -> Embedding:
        generator, step = self.generator, int(state.step)
        latent, noise = state.answer.to(self.device), self._noise(state.step, [index])
        if self._noise_part is not None:
            latent, noise = self._noise_part.split(latent)
        w_plus = to_w_plus(generator, latent, self.options.space, self.options.label)
        images = generator.crop(generator.synthesis(w_plus, noise))
        own = slice(index, index + 1)
        objective = Objective(self._targets[own], self.embedder.vgg, self.options.objective, self._styles[own])
        losses = self.embedder.gradient.losses(images, w_plus, objective, noise)[0].tolist()
        terms = self.options.terms
        found = Latent(
            w_plus=w_plus[0].cpu().numpy(),
            model_digest=generator.digest,
            image_digest=self.digests[index],
            distance=float((w_plus[0] - generator.mean_w).norm()),
            losses=dict(zip(terms, losses, strict=True)),
            curve=state.history[0, :step].numpy(),
            curve_terms=terms,
            options=self.options.to_json(),
            extra={
                "features": self.embedder.vgg.source.name,
                "features_digest": self.embedder.vgg.source.digest,
                "steps_done": step,
                "seconds": round(seconds, 3),
                "device": str(self.device),
                "torch": torch.__version__,
                **({"threads": threads} if (threads := cpu_threads(self.device)) else {}),
            },
            status=STATUS_NAMES[int(state.status)],
            noise=() if self._noise_part is None or noise is None else tuple(m[0, 0].cpu().numpy() for m in noise),
        )
        return Embedding(found, to_pixels(images)[0], self.pictures[index], state)

    def _noise(self, steps: Tensor, images: Sequence[int]) -> list[Tensor] | None:
        if self.options.noise != "resampled":
            return self._constant_noise
        drawn = [
            noise_maps(self.generator, self.options, self.seeds[image], step) or []
            for image, step in zip(images, steps.tolist(), strict=True)
        ]
        return [torch.cat(maps) for maps in zip(*drawn, strict=True)]

    def _tensor(self, pictures: Sequence[Pixels]) -> Tensor:
        return torch.stack([to_target(picture) for picture in pictures]).to(self.device)


def embed(
    generator: Generator,
    pictures: Sequence[Pixels],
    options: EmbedOptions | None = None,
    *,
    vgg: Vgg16 | None = None,
    style_pictures: Sequence[Pixels] | None = None,
    initial: WPlus | PictureEncoder | None = None,
    start: EmbedState | None = None,
    callback: Callback | None = None,
) -> list[Embedding]:
    """Embed pictures into the latent space (Algorithm 1).

    Args:
        generator: on the device to use.
        pictures: uint8 [H, W, 3] each, of the model's picture size (see `images.fit.fit_picture`).
        options: the paper's settings when left out.
        vgg: feature network of Eq. 2; the built-in one, trained on ImageNet, when left out.
        style_pictures: for the style loss, one for each picture.
        initial: w_plus [L, D] to start from when `options.init` is `latent`, or the encoder when it is `encoder`.
        start: a state to go on from instead of a starting point.
        callback: called after each step (on a GPU after every 50th); a true answer stops the run.

    Returns:
        One embedding a picture. A status other than `finished` says that the callback stopped it or that the loss
        was no longer finite; the latent is then the last good one.

    Raises:
        ImageError: a picture has another size than the model's.
    """
    problem = EmbedProblem(Embedder(generator, options, vgg), pictures, style_pictures, initial)
    state = problem.start() if start is None else start.to(problem.device)
    seconds = optimise(problem, state, callback)
    return problem.finish(state, seconds)


def optimise(problem: EmbedProblem, state: EmbedState, callback: Callback | None = None) -> float:
    """Step until every image has stopped or the callback says so; returns the seconds it took."""
    begun = time.perf_counter()
    between = 1 if problem.device.type == "cpu" else _STEPS_BETWEEN_READS
    step, running = problem.running(state)
    with kept_memory():
        while (ahead := min(between, running.steps_left(problem.options.steps))) > 0:  # line 2, "not converged"
            for _ in range(ahead):
                losses = step()
            if callback and callback(_progress(problem, running, losses, time.perf_counter() - begun)):
                break
    if running is not state:
        state.take(running)
    return time.perf_counter() - begun


def _progress(problem: EmbedProblem, state: EmbedState, losses: Tensor, seconds: float) -> EmbedProgress:
    steps, totals = tuple(state.step.tolist()), tuple(losses[:, 0].tolist())
    return EmbedProgress(steps, problem.options.steps, totals, seconds, state)


def _check(picture: Pixels, generator: Generator) -> Pixels:
    size = generator.spec.picture_size
    if picture.shape != (*size, 3) or picture.dtype != np.uint8:
        raise ImageError(
            f"the picture is {picture.dtype} {list(picture.shape)}, the model takes uint8 [{size[0]}, {size[1]}, 3]",
            "scale it with i2s_trt.images.fit.fit_picture",
        )
    return picture
