"""The embeddings that the model card measures and shows: photographs, unseen renders, and an expression pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from i2s_trt.edit.operations import expression_transfer
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.training.factors import INDEX, WORN, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_uniform

Pictures = npt.NDArray[np.uint8]

# Rows, then columns. The astronaut's is FFHQ's alignment quad for her eyes and mouth, less its 2 degrees of tilt.
PHOTOGRAPHS = {
    "astronaut": (slice(16, 196), slice(136, 316)),
    "cat": (slice(0, 280), slice(85, 365)),
    "coffee": (slice(0, 400), slice(100, 500)),
}
_SOURCES = {"cat": "chelsea"}


@dataclass(frozen=True)
class Study:
    """Pictures uint8 [R, R, 3] by name, and their latents [N, L, D] in the same order.

    The names are the photographs', `render-0`, `render-1`, ..., `neutral` and `expression`.
    """

    pictures: dict[str, Pictures]
    w_plus: Tensor

    def latent(self, name: str) -> Tensor:
        """W+ [L, D] of one picture."""
        return self.w_plus[list(self.pictures).index(name)]

    @property
    def renders(self) -> list[str]:
        """Names of the unseen renders."""
        return [name for name in self.pictures if name.startswith("render-")]


def photographs(size: int) -> dict[str, Pictures]:
    """scikit-image's astronaut (an aligned face), cat and coffee, uint8 [size, size, 3]."""
    import cv2
    from skimage import data

    cut = {name: getattr(data, _SOURCES.get(name, name))()[box] for name, box in PHOTOGRAPHS.items()}
    return {name: cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for name, image in cut.items()}


def expression_pair(seed: int, size: int) -> Pictures:
    """One drawn face twice, [2, size, size, 3]: mouth closed and solemn, then smiling with the mouth open."""
    uniform = uniform_from_latents(sample_latents(seed, 1, mixing=0.0)).repeat(2, axis=0)
    for name, values in {"smile": (-0.3, 0.9), "mouth_open": (-1.0, 0.6)}.items():
        uniform[:, INDEX[name]] = values
    for name in WORN:
        uniform[:, INDEX[name]] = -1.0
    return render_uniform(uniform, size)


def embed_pictures(generator: Generator, pictures: Sequence[Pictures], options: EmbedOptions) -> Tensor:
    """W+ latents [N, L, D] of pictures uint8 [R, R, 3]."""
    embeddings = embed(generator, list(pictures), options)
    return torch.stack([torch.as_tensor(np.asarray(item.latent.w_plus)) for item in embeddings])


def pixel_options(steps: int, rate: float = 0.01) -> EmbedOptions:
    """Mean squared error alone."""
    objective = ObjectiveOptions(layer_weights={}, input_scale="signed")
    return EmbedOptions(steps=steps, learning_rate=rate, objective=objective)


def run_study(generator: Generator, seed: int, renders: int, options: EmbedOptions) -> Study:
    """Embeds everything, each picture on its own as far as results go."""
    size = generator.resolution
    faces = render_uniform(uniform_from_latents(sample_latents(seed + 10, renders)), size)
    neutral, expression = expression_pair(seed + 20, size)
    pictures = photographs(size) | {f"render-{index}": face for index, face in enumerate(faces)}
    pictures |= {"neutral": neutral, "expression": expression}
    return Study(pictures, embed_pictures(generator, list(pictures.values()), options))


@torch.no_grad()
def reconstruction_psnr(generator: Generator, study: Study) -> dict[str, float]:
    """PSNR in dB of each picture's embedding."""
    targets = torch.stack([to_target(picture) for picture in study.pictures.values()])
    values = psnr(generator.synthesis(study.w_plus), targets)
    return {name: round(float(value), 2) for name, value in zip(study.pictures, values, strict=True)}


def psnr(pictures: Tensor, targets: Tensor) -> Tensor:
    """Peak signal-to-noise ratio [N] in dB of images [N, 3, R, R] in [-1, 1]."""
    mse = ((pictures.clamp(-1.0, 1.0) - targets) / 2.0).square().mean(dim=(1, 2, 3))
    return -10.0 * mse.log10()


def transfer(target: Tensor, neutral: Tensor, expression: Tensor, strength: float) -> Tensor:
    """The paper's expression transfer with its threshold of 1, on tensors [L, D]."""
    return torch.from_numpy(expression_transfer(target.numpy(), neutral.numpy(), expression.numpy(), strength))
