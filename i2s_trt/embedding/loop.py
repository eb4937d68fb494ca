"""Algorithm 1 of the paper: pictures in, latents out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2s_trt.embedding.objective import Objective
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.spaces import image_seed, initial_variable, noise_maps, to_w_plus, variable_from_latent
from i2s_trt.embedding.step import RUNNING, STATUS_NAMES, EmbedState, advance
from i2s_trt.errors import ImageError
from i2s_trt.images.fit import picture_digest, to_pixels, to_target
from i2s_trt.latents import Latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16, random_vgg16

Pixels = np.ndarray[Any, Any]
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
    """Generator, targets and objective of a batch of pictures.

    Args:
        generator: on the device to use.
        pictures: uint8 [H, W, 3] each, of the model's picture size.
        options: settings.
        vgg: feature network; the built-in random features when left out.
        style_pictures: for the style loss, one for each picture.
        initial: w_plus [L, D] to start from when `options.init` is `latent`.

    Raises:
        ImageError: a picture has another size.
        LatentError: `initial` cannot be used in the chosen space.
    """

    def __init__(
        self,
        generator: Generator,
        pictures: Sequence[Pixels],
        options: EmbedOptions,
        vgg: Vgg16 | None = None,
        style_pictures: Sequence[Pixels] | None = None,
        initial: Pixels | None = None,
    ) -> None:
        self.generator = generator
        self._initial = None if initial is None else variable_from_latent(initial, options.space)
        self.options = options
        self.device = generator.mean_w.device
        self.pictures = [_checked(picture, generator) for picture in pictures]
        self.digests = [picture_digest(picture) for picture in pictures]
        self.seeds = [image_seed(options.seed, digest) for digest in self.digests]
        self._constant_noise = noise_maps(generator, options, 0, 0)
        self.vgg = (vgg or random_vgg16()).to(self.device)
        styles = pictures if style_pictures is None else style_pictures
        # The CPU's convolutions round differently for every batch size, and Adam amplifies that: so there each image
        # is computed by itself, which makes a batch equal its single runs exactly, for about a quarter more time.
        size = 1 if self.device.type == "cpu" else max(1, len(pictures))
        self._chunks = [range(i, min(i + size, len(pictures))) for i in range(0, len(pictures), size)]
        self._objectives = [
            Objective(self._tensor(pictures, chunk), self.vgg, options.objective, self._tensor(styles, chunk))
            for chunk in self._chunks
        ]

    def start(self) -> EmbedState:
        """The state before the first step."""
        variables = [
            initial_variable(self.generator, self.options, seed) if self._initial is None else self._initial
            for seed in self.seeds
        ]
        return EmbedState.start(torch.stack(variables).to(self.device), self.options)

    def losses_and_gradient(self, state: EmbedState) -> tuple[Tensor, Tensor]:
        """Loss terms [N, T] and the gradient [N, ...] of the totals at the state's variables.

        On the CPU images that have stopped are not computed; their rows are nan and zero.
        """
        losses = torch.full((len(self.seeds), len(self.options.objective.terms)), torch.nan, device=self.device)
        gradient = torch.zeros_like(state.variable)
        for chunk, objective in zip(self._chunks, self._objectives, strict=True):
            rows = slice(chunk.start, chunk.stop)
            if len(chunk) == 1 and self.device.type == "cpu" and int(state.status[chunk.start]) != RUNNING:
                continue
            noise = self._noise(state.step[rows], chunk)
            losses[rows], gradient[rows] = self._evaluate(state.variable[rows], objective, noise)
        return losses, gradient

    def finish(self, state: EmbedState, seconds: float) -> list[Embedding]:
        """Render the end point of every image and describe it."""
        return [self._describe(state.select(i), i, seconds) for i in range(len(self.seeds))]

    def _evaluate(self, variable: Tensor, objective: Objective, noise: list[Tensor] | None) -> tuple[Tensor, Tensor]:
        variable = variable.detach().requires_grad_(True)
        w_plus = to_w_plus(self.generator, variable, self.options.space)
        losses = objective(self.generator.crop(self.generator.synthesis(w_plus, noise)))
        (gradient,) = torch.autograd.grad(losses[:, 0].sum(), variable)
        return losses.detach(), gradient

    @torch.no_grad()
    def _describe(self, state: EmbedState, index: int, seconds: float) -> Embedding:
        generator, step = self.generator, int(state.step)
        w_plus = to_w_plus(generator, state.variable.to(self.device), self.options.space)
        images = generator.crop(generator.synthesis(w_plus, self._noise(state.step, [index])))
        chunk = next(i for i, chunk in enumerate(self._chunks) if index in chunk)
        losses = self._objectives[chunk].select(index - self._chunks[chunk].start)(images)[0].tolist()
        terms = self.options.objective.terms
        latent = Latent(
            w_plus=w_plus[0].cpu().numpy(),
            model_digest=generator.digest,
            image_digest=self.digests[index],
            distance=float((w_plus[0] - generator.mean_w).norm()),
            losses=dict(zip(terms, losses, strict=True)),
            curve=state.history[0, :step].numpy(),
            curve_terms=terms,
            options=self.options.to_json(),
            extra={
                "features": self.vgg.source.name,
                "features_digest": self.vgg.source.digest,
                "steps_done": step,
                "seconds": round(seconds, 3),
                "device": str(self.device),
                "torch": torch.__version__,
            },
            status=STATUS_NAMES[int(state.status)],
        )
        return Embedding(latent, to_pixels(images)[0], self.pictures[index], state)

    def _noise(self, steps: Tensor, images: Sequence[int]) -> list[Tensor] | None:
        if self.options.noise != "resampled":
            return self._constant_noise
        drawn = [
            noise_maps(self.generator, self.options, self.seeds[image], step) or []
            for image, step in zip(images, steps.tolist(), strict=True)
        ]
        return [torch.cat(maps) for maps in zip(*drawn, strict=True)]

    def _tensor(self, pictures: Sequence[Pixels], images: Sequence[int]) -> Tensor:
        return torch.stack([to_target(pictures[i]) for i in images]).to(self.device)


def embed(
    generator: Generator,
    pictures: Sequence[Pixels],
    options: EmbedOptions | None = None,
    *,
    vgg: Vgg16 | None = None,
    style_pictures: Sequence[Pixels] | None = None,
    initial: Pixels | None = None,
    start: EmbedState | None = None,
    callback: Callback | None = None,
) -> list[Embedding]:
    """Embed pictures into the latent space (Algorithm 1).

    Args:
        generator: on the device to use.
        pictures: uint8 [H, W, 3] each, of the model's picture size (see `images.fit.fit_picture`).
        options: the paper's settings when left out.
        vgg: feature network of Eq. 2; the built-in random features when left out.
        style_pictures: for the style loss, one for each picture.
        initial: w_plus [L, D] to start from when `options.init` is `latent`.
        start: a state to go on from instead of a starting point.
        callback: called after each step (on a GPU after every 50th); a true answer stops the run.

    Returns:
        One embedding a picture. A status other than `finished` says that the callback stopped it or that the loss
        was no longer finite; the latent is then the last good one.

    Raises:
        ImageError: a picture has another size than the model's.
    """
    problem = EmbedProblem(generator, pictures, options or EmbedOptions(), vgg, style_pictures, initial)
    state = problem.start() if start is None else start.to(problem.device)
    seconds = optimise(problem, state, callback)
    return problem.finish(state, seconds)


def optimise(problem: EmbedProblem, state: EmbedState, callback: Callback | None = None) -> float:
    """Step until every image has stopped or the callback says so; returns the seconds it took."""
    begun = time.perf_counter()
    between = 1 if problem.device.type == "cpu" else _STEPS_BETWEEN_READS
    iteration = 0
    running = bool((state.status == RUNNING).any())
    while running:
        losses, gradient = problem.losses_and_gradient(state)  # Algorithm 1, line 3
        advance(state, losses, gradient, problem.options)  # line 4
        iteration += 1
        if iteration % between:
            continue
        running = bool((state.status == RUNNING).any())  # line 2, "not converged"
        if callback and callback(_progress(problem, state, losses, time.perf_counter() - begun)):
            break
    return time.perf_counter() - begun


def _progress(problem: EmbedProblem, state: EmbedState, losses: Tensor, seconds: float) -> EmbedProgress:
    steps, totals = tuple(state.step.tolist()), tuple(losses[:, 0].tolist())
    return EmbedProgress(steps, problem.options.steps, totals, seconds, state)


def _checked(picture: Pixels, generator: Generator) -> Pixels:
    size = generator.spec.picture_size
    if picture.shape != (*size, 3) or picture.dtype != np.uint8:
        raise ImageError(
            f"the picture is {picture.dtype} {list(picture.shape)}, the model takes uint8 [{size[0]}, {size[1]}, 3]",
            "scale it with i2s_trt.images.fit.fit_picture",
        )
    return picture
