"""Trains an encoder on a generator's own samples: latents and the pictures they give, no photograph needed.

The error of a guess is measured in the metric of the curvature: (w' - w)^T J^T J (w' - w), which is what the pictures
would differ by, to first order. An encoder that looks several times learns from every one of its guesses: they are
rendered, and what they lack is what it sees beside the picture the next time (ReStyle, Alaluf et al. 2021, section 3).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from i2s_trt.checkpoints.encoders import TrainedEncoder
from i2s_trt.embedding.loss.curvature import damped, latents_around
from i2s_trt.errors import UsageError
from i2s_trt.models.encoder import MOST_ROUNDS, Encoder
from i2s_trt.models.generator import Generator

_HELD_OUT = 64
_WARM_UP = 50  # steps


@dataclass(frozen=True)
class EncoderOptions:
    """How an encoder is trained.

    Attributes:
        presentations: pictures shown, each a new one.
        batch: pictures a step.
        rate: Adam's learning rate at its highest; it rises for 50 steps and falls along a half cosine.
        rounds: how often the encoder looks at a picture, 1 to 10; each costs a rendering.
        spreads: deviations of the noise in W+ around the samples, for photographs lie outside of them.
        seed: of weights and samples.
    """

    presentations: int = 24_000
    batch: int = 16
    rate: float = 1e-3
    rounds: int = 1
    spreads: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.presentations < 1 or self.batch < 1 or not 0 < self.rate < math.inf:
            raise UsageError(
                f"an encoder cannot be trained with {self.presentations} presentations in batches of {self.batch}",
                "give numbers above 0",
            )
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise UsageError(f"an encoder cannot look {self.rounds} times", f"give 1 to {MOST_ROUNDS} rounds")


@dataclass(frozen=True)
class EncoderEvent:
    """Where training stands: pictures shown, of how many, and the share of the error that is left (1: as the mean)."""

    shown: int
    of: int
    error: float


def train_encoder(
    generator: Generator,
    curvature: Tensor,
    options: EncoderOptions,
    on_event: Callable[[EncoderEvent], bool | None] = lambda _event: None,
) -> TrainedEncoder | None:
    """Train an encoder for a generator.

    Args:
        generator: on the device to train on.
        curvature: [L, D, D] of `model_curvature`.
        options: settings.
        on_event: called after each step; a true answer stops the training.

    Returns:
        The encoder with its recipe; None when it was stopped.
    """
    network, random = _fresh(generator, options), torch.Generator().manual_seed(options.seed + 1)
    root = _root(curvature)
    optimiser = torch.optim.Adam(network.parameters(), options.rate, betas=(0.9, 0.99))
    steps, left = math.ceil(options.presentations / options.batch), 1.0
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _rate(step, steps, options)
        images, latents = _samples(generator, options.batch, options, random)
        optimiser.zero_grad(set_to_none=True)
        for guess in _guesses(network, generator, images):
            error, scale = errors(guess, latents, generator.mean_w, root)
            loss = (error / scale.mean()).mean()
            loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        left = 0.98 * left + 0.02 * loss.item()
        shown = min((step + 1) * options.batch, options.presentations)
        if on_event(EncoderEvent(shown, options.presentations, left)):
            return None
    network.eval().requires_grad_(False)
    recipe = {**asdict(options), "spreads": list(options.spreads)}
    recipe["held_out_error"] = _held_out_error(network, generator, root, options)
    render = generator if network.looks_at_its_guess else None
    return TrainedEncoder(network, generator.digest, recipe, render)


def _guesses(network: Encoder, generator: Generator, images: Tensor) -> Iterator[Tensor]:
    """The guesses [N, L, D] for pictures, round by round; each knows only of its own round."""
    if not network.looks_at_its_guess:
        yield network(images)
        return
    latents = network.mean_w.expand(len(images), *network.shape)
    for _ in range(network.rounds):
        latents = network.corrected(latents, images, generator)
        yield latents


def _rate(step: int, steps: int, options: EncoderOptions) -> float:
    return options.rate * min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


@torch.no_grad()
def _held_out_error(network: Encoder, generator: Generator, root: Tensor, options: EncoderOptions) -> float:
    images, latents = _samples(generator, _HELD_OUT, options, torch.Generator().manual_seed(options.seed + 2))
    *_, guess = _guesses(network, generator, images)
    error, scale = errors(guess, latents, generator.mean_w, root)
    return float(error.sum() / scale.sum())


def errors(guess: Tensor, latents: Tensor, mean_w: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    """How far guesses [N, L, D] and the mean latent are from latents [N, L, D], in the curvature's metric: [N] each."""

    def squared(difference: Tensor) -> Tensor:
        return torch.einsum("lij,nlj->nli", root, difference).square().flatten(1).sum(1)

    return squared(guess - latents), squared(mean_w - latents)


def _fresh(generator: Generator, options: EncoderOptions) -> Encoder:
    """A network with seeded weights that begins near the mean latent; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network = Encoder(generator.spec, options.rounds)
        with torch.no_grad():
            network.out.weight.mul_(0.1)
            network.out.bias.zero_()
            network.mean_w.copy_(generator.mean_w)
            samples = latents_around(generator, 32, (0.0,), torch.Generator().manual_seed(options.seed))
            network.deviation.copy_((samples.to(generator.mean_w) - generator.mean_w).square().mean().sqrt())
    return network.to(generator.mean_w.device).train()


def _root(curvature: Tensor) -> Tensor:
    """A matrix R for each layer with R^T R = C + the damping of the metric."""
    root: Tensor = torch.linalg.cholesky(damped(curvature))
    return root.transpose(1, 2).float()


@torch.no_grad()
def _samples(
    generator: Generator, count: int, options: EncoderOptions, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures [N, 3, H, W] and the latents [N, L, D] that gave them."""
    latents = latents_around(generator, count, options.spreads, random).to(generator.mean_w.device)
    return generator(latents), latents
