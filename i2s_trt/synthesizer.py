"""The one interface through which everything renders: latents in, pictures out."""

from contextlib import nullcontext
from typing import Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.arithmetic import arithmetic
from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.deltas import Delta, changed
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

    def tuned(self, delta: Delta | None, /) -> "Synthesizer":
        """The same of the model with a delta, or as it is. Raises LatentError: the delta is another model's."""
        ...


class TorchSynthesizer:
    """PyTorch's synthesizer: the reference that the others are held against, in exact float32 on a GPU too.

    On a CPU it lays the network out anew, which is twice as fast at 1024x1024, and the same up to rounding.

    Args:
        generator: on the device to use.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._tuned: tuple[Delta, TorchSynthesizer] | None = None  # the last one, which a batch asks for again
        self._synthesis: Synthesis | FrozenSynthesis = generator.synthesis
        if generator.mean_w.device.type == "cpu":
            const = cast(Tensor, generator.synthesis.const)
            self._synthesis = freeze_synthesis(generator.synthesis, const.dtype, choose_plain_epilogue(const.device))
        self.resolution = generator.resolution
        self.num_layers = generator.num_layers
        self.w_dim = generator.w_dim

    def tuned(self, delta: Delta | None, /) -> "TorchSynthesizer":
        """Renders with a changed copy of the network, of which the last is kept; see `Synthesizer`."""
        if delta is None:
            return self
        if (last := self._tuned) and last[0] is delta:
            return last[1]
        self._tuned = delta, TorchSynthesizer(changed(self._generator, delta))
        return self._tuned[1]

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
            return torch.cat([generator.crop(synthesis(chunk)) for chunk in torch.split(latents, size)])
