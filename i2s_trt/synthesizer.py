"""The one interface through which everything renders: latents in, pictures out."""

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Protocol, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.arithmetic import arithmetic
from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.errors import LatentError
from i2s_trt.fused.choice import choose_plain_epilogue
from i2s_trt.fused.synthesis import FrozenSynthesis, freeze_synthesis
from i2s_trt.images.fit import to_pixels
from i2s_trt.memory import kept_memory
from i2s_trt.models.generator import Generator
from i2s_trt.models.synthesis import Synthesis

PREVIEW_SIZE = 256


class Synthesizer(Protocol):
    """Renders latents. Engines, ONNX Runtime and PyTorch implement it alike."""

    @property
    def resolution(self) -> int:
        """Pixels a side of the square network output."""
        ...

    @property
    def num_layers(self) -> int:
        """L, the rows of a latent."""
        ...

    @property
    def w_dim(self) -> int:
        """D, the size of a row."""
        ...

    def __call__(self, w_plus: WPlus) -> Pixels:
        """w_plus float32 [N, L, D] -> pictures uint8 [N, H, W, 3]."""
        ...

    def images(self, w_plus: WPlus) -> Array:
        """w_plus float32 [N, L, D] -> float32 [N, 3, H, W], nominally in [-1, 1], for metrics."""
        ...

    def preview(self, w_plus: WPlus) -> Pixels:
        """w_plus float32 [N, L, D] -> uint8 pictures of at most 256 pixels a side."""
        ...


class TorchSynthesizer:
    """PyTorch's synthesizer: the reference that the others are held against, in exact float32 on a GPU too.

    On a CPU it lays the network out anew, which is twice as fast at 1024x1024, and the same up to rounding.

    Args:
        generator: on the device to use.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._noise: list[Tensor] | None = None
        self._synthesis: Synthesis | FrozenSynthesis = generator.synthesis
        if generator.mean_w.device.type == "cpu":
            const = cast(Tensor, generator.synthesis.const)
            self._synthesis = freeze_synthesis(generator.synthesis, const.dtype, choose_plain_epilogue(const.device))
        self.resolution = generator.resolution
        self.num_layers = generator.num_layers
        self.w_dim = generator.w_dim

    def with_noise(self, noise: Sequence[Array]) -> Self:
        """The same with other maps [H, W], one a convolution. Raises LatentError: they are another model's."""
        check_noise(noise, self._generator)
        other = copy.copy(self)
        other._noise = [torch.from_numpy(map_).to(self._generator.mean_w.device)[None, None] for map_ in noise]
        return other

    def __call__(self, w_plus: WPlus) -> Pixels:
        """Pictures uint8 [N, H, W, 3]; see `Synthesizer`."""
        return to_pixels(self._render(w_plus))

    def images(self, w_plus: WPlus) -> Array:
        """Images float32 [N, 3, H, W]; see `Synthesizer`."""
        return self._render(w_plus).float().cpu().numpy()

    def preview(self, w_plus: WPlus) -> Pixels:
        """Small pictures; see `Synthesizer`."""
        images = self._render(w_plus)
        factor = PREVIEW_SIZE / max(images.shape[-2:])
        return to_pixels(images if factor >= 1 else F.interpolate(images, scale_factor=factor, mode="area"))

    @torch.no_grad()
    def _render(self, w_plus: WPlus) -> Tensor:
        generator = self._generator
        latents = torch.from_numpy(np.ascontiguousarray(w_plus, np.float32)).to(generator.mean_w.device)
        # the CPU's convolutions round differently for every batch size: there each picture is computed by itself
        size = 1 if latents.device.type == "cpu" else max(1, len(latents))
        synthesis = self._synthesis if len(latents) else generator.synthesis  # of no picture only the shape is known
        pays = len(latents) * self.resolution > 256  # one small picture is done before it does
        with kept_memory() if pays else nullcontext(), arithmetic("fp32"):
            return torch.cat([generator.crop(synthesis(chunk, self._noise)) for chunk in torch.split(latents, size)])


def check_noise(noise: Sequence[Array], generator: Generator) -> None:
    """Raise LatentError unless maps [H, W] have the sizes of a model's own."""
    wanted = [tuple(map_.shape[-2:]) for map_ in generator.synthesis.stored_noise()]
    if [map_.shape for map_ in noise] != wanted:
        raise LatentError(
            f"the latent has {len(noise)} noise maps that do not fit the model's {len(wanted)}",
            "use the model that the latent was made with (--model)",
        )
