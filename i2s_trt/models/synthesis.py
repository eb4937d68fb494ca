"""What every synthesis network is: w+ -> picture, with stored noise and styles that can be looked at."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from i2s_trt.errors import ModelError
from i2s_trt.models.spec import GeneratorSpec


class Synthesis(nn.Module, ABC):
    """The base of the architectures' networks: `const` [1, C, 4, 4], then the styled `layers`.

    Args:
        spec: of the generator.
    """

    const: nn.Parameter
    layers: nn.ModuleList

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def forward(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Render latents.

        Args:
            w_plus: [N, L, D].
            noise: maps [1 or N, 1, H, W] like the stored ones, which are taken when left out.

        Returns:
            Images [N, 3, R, R], nominally in [-1, 1] and not clamped.

        Raises:
            ModelError: `w_plus` has another shape.
        """

    @abstractmethod
    def activations(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Iterator[Tensor]:
        """The output [N, C, H, W] of each layer in turn."""

    @abstractmethod
    def stored_noise(self) -> list[Tensor]:
        """The constant noise maps [1, 1, H, W], one a convolution."""

    @abstractmethod
    def style_weights(self) -> list[Tensor]:
        """For each row of w+, the weights [C, D] of the style layers that read it."""

    @abstractmethod
    def to_precision(self, dtype: torch.dtype) -> Self:
        """Bring the convolutions to `dtype`, in place. Styles, noise and statistics stay float32."""

    def check_latents(self, w_plus: Tensor) -> None:
        """Refuse latents of another model. Raises ModelError."""
        expected = (self.spec.num_layers, self.spec.w_dim)
        if w_plus.ndim != 3 or tuple(w_plus.shape[1:]) != expected:
            raise ModelError(f"w_plus has shape {list(w_plus.shape)}, not [N, {expected[0]}, {expected[1]}]")
