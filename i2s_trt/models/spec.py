"""The architecture of a StyleGAN1 generator, as plain data."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from i2s_trt.errors import ModelError


@dataclass(frozen=True)
class GeneratorSpec:
    """Everything about a generator that is not a weight.

    Attributes:
        resolution: side R of the square network output in pixels, a power of two from 8 to 1024.
        z_dim, w_dim: sizes Z and D of the latent spaces.
        channels: feature maps at 4x4, 8x8, ... R x R.
        mapping_widths: outputs of each dense layer of the mapping network.
        label_size: width of the one-hot label of a conditional model, 0 for the usual unconditional one.
        normalize_z: whether the mapping network starts with pixel norm.
        negative_slope: of the leaky ReLU in both networks.
        blur_taps: low-pass filter after each upsampling convolution; empty for none.
        lod: level of detail that training had reached; 0 is the full resolution.
        layerwise_mapping: the mapping network gives a w of its own for every layer (idinvert).
        crop: first and one-past-last row of the picture in the square output, for models of landscape pictures.
        truncation_psi, truncation_cutoff: the checkpoint's defaults for the truncation trick.
    """

    resolution: int
    z_dim: int
    w_dim: int
    channels: tuple[int, ...]
    mapping_widths: tuple[int, ...]
    label_size: int = 0
    normalize_z: bool = True
    negative_slope: float = 0.2
    blur_taps: tuple[float, ...] = (1.0, 2.0, 1.0)
    lod: float = 0.0
    layerwise_mapping: bool = False
    crop: tuple[int, int] | None = None
    truncation_psi: float = 0.7
    truncation_cutoff: int = 8

    def __post_init__(self) -> None:
        blocks = int(math.log2(self.resolution)) - 1 if self.resolution >= 8 else 0
        if blocks == 0 or 2 ** (blocks + 1) != self.resolution:
            raise ModelError(f"resolution {self.resolution} is not a power of two from 8 upwards")
        if len(self.channels) != blocks:
            raise ModelError(f"{blocks} channel counts belong to {self.resolution} pixels, not {len(self.channels)}")
        if self.resolution > 1024:
            raise ModelError(f"resolution {self.resolution} is larger than any StyleGAN1's 1024")
        if self.blur_taps and len(self.blur_taps) % 2 == 0:
            raise ModelError(f"a blur filter of {len(self.blur_taps)} taps has no middle")
        if not 0 <= self.lod <= blocks - 1:
            raise ModelError(f"lod {self.lod} lies outside 0..{blocks - 1}")
        if self.crop and not 0 <= self.crop[0] < self.crop[1] <= self.resolution:
            raise ModelError(f"crop rows {self.crop} lie outside the {self.resolution} pixel output")

    @property
    def num_layers(self) -> int:
        """L = 2 log2(R) - 2: the layers that take a style each."""
        return 2 * len(self.channels)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture within the square network output."""
        top, bottom = self.crop or (0, self.resolution)
        return bottom - top, self.resolution

    def layer_resolution(self, layer: int) -> int:
        """Pixels a side of the output of synthesis layer 0..L-1."""
        return int(4 * 2 ** (layer // 2))

    def layer_channels(self, layer: int) -> int:
        """Feature maps of synthesis layer 0..L-1."""
        return self.channels[layer // 2]

    def to_json(self) -> dict[str, Any]:
        """A dictionary of JSON values; `from_json` reads it back."""
        return asdict(self)

    def identity(self) -> str:
        """A text that differs between architectures; fields at their defaults are left out, so new ones can come."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return repr(sorted(chosen.items()))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "GeneratorSpec":
        """The spec that `to_json` wrote.

        Raises:
            ModelError: a field is missing, unknown or impossible.
        """
        unknown = set(data) - {field.name for field in fields(cls)}
        if unknown:
            raise ModelError(f"unknown fields in a generator spec: {', '.join(sorted(unknown))}")
        try:
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values)
        except TypeError as error:
            raise ModelError(f"a generator spec is incomplete: {error}") from error
