"""Where the optimisation moves: the spaces W+, W and Z, their starting points and the noise (sections 3.3, 5.1)."""

import hashlib

import numpy as np
import torch
from torch import Tensor

from i2s_trt.arrays import WPlus
from i2s_trt.embedding.options import EmbedOptions, Space
from i2s_trt.errors import LatentError
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import one_hot

_Z_CANDIDATES = 1000


def image_seed(seed: int, image_digest: str) -> int:
    """A seed of an image's own, so that neither batch size nor order changes a result."""
    return int.from_bytes(hashlib.sha256(f"{seed} {image_digest}".encode()).digest()[:8], "big")


def variable_shape(generator: Generator, space: Space) -> tuple[int, ...]:
    """Shape of what is optimised for one image: [L, D] in W+, [1, D] in W, [Z] in Z."""
    return {"w+": (generator.num_layers, generator.w_dim), "w": (1, generator.w_dim), "z": (generator.z_dim,)}[space]


def initial_variable(generator: Generator, options: EmbedOptions, seed: int) -> Tensor:
    """The starting point of one image: w-bar, or U[-1, 1] in every variable.

    Z has no mean face: there `mean` takes, of 1000 samples, the one whose w lies nearest to w-bar.
    """
    random = np.random.default_rng(seed)
    shape = variable_shape(generator, options.space)
    if options.init == "random":
        return torch.from_numpy(random.uniform(-1.0, 1.0, shape).astype(np.float32))
    if options.space == "z":
        return _nearest_to_mean(generator, random, options.label)
    return generator.mean_w.detach().cpu().expand(shape).clone()


def variable_from_latent(w_plus: WPlus, space: Space) -> Tensor:
    """Continue from a latent [L, D]; W takes the mean of its rows.

    Raises:
        LatentError: Z cannot be reached from W.
    """
    if space == "z":
        raise LatentError("a w+ latent cannot be taken back to Z", "start Z from --init mean or random")
    tensor = torch.from_numpy(np.array(w_plus, np.float32))
    return tensor if space == "w+" else tensor.mean(dim=0, keepdim=True)


def to_w_plus(generator: Generator, variable: Tensor, space: Space, label: int | None = None) -> Tensor:
    """Variables [N, ...] of a space -> w_plus [N, L, D]; `label` is the class of a conditional model in Z."""
    if space == "z":
        return generator.broadcast(generator.mapping(variable, one_hot(generator.spec, label, variable)))
    return variable.expand(-1, generator.num_layers, -1)


def noise_maps(generator: Generator, options: EmbedOptions, seed: int, step: int) -> list[Tensor] | None:
    """Noise [1, 1, H, W] of every layer at a step; None stands for the model's stored maps.

    Resampled noise depends on the image's seed and the step alone, so that a resumed run sees the same.
    """
    if options.noise in ("stored", "optimised"):
        return None
    source = np.random.SeedSequence([seed, step] if options.noise == "resampled" else int(options.noise))
    random = np.random.default_rng(source)
    stored = generator.synthesis.stored_noise()
    return [torch.from_numpy(random.standard_normal(m.shape, dtype=np.float32)).to(m.device) for m in stored]


def _nearest_to_mean(generator: Generator, random: np.random.Generator, label: int | None) -> Tensor:
    z = torch.from_numpy(random.standard_normal((_Z_CANDIDATES, generator.z_dim), dtype=np.float32))
    with torch.no_grad():
        w_plus = to_w_plus(generator, z.to(generator.mean_w.device), "z", label)
        distance = (w_plus - generator.mean_w).flatten(1).norm(dim=1)
    return z[int(distance.argmin())]
