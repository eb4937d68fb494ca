"""The architecture of a StyleGAN1 or StyleGAN2 generator, as plain data."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from i2s_trt.errors import ModelError

Architecture = Literal["stylegan1", "stylegan2"]
Topology = Literal["skip", "resnet", "orig"]
_SIZES: dict[Architecture, tuple[int, int]] = {"stylegan1": (8, 1024), "stylegan2": (4, 2048)}


@dataclass(frozen=True)
class GeneratorSpec:
    """Everything about a generator that is not a weight.

    Attributes:
        resolution: side R of the square network output in pixels, a power of two: from 8 to 1024, of a StyleGAN2
            from 4 to 2048.
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
        crop_columns: the same of columns, for models of portrait pictures.
        truncation_psi, truncation_cutoff: the checkpoint's defaults for the truncation trick.
        architecture: of the networks. A StyleGAN2 has no `blur_taps`, `lod` or layer-wise mapping, and alone has what
            follows.
        topology: how a StyleGAN2's picture comes about: `skip` adds up a picture of every resolution, `resnet` has
            residual blocks, `orig` neither.
        resample_taps: its low-pass filter around every upsampling.
        conv_clamp: its activations stay within plus and minus this; None for no bound.
        normalize_label: whether z and the embedded label of a conditional model are normalised each by itself.
        label_width: numbers that a label is embedded in; 0 for as many as z has.
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
    architecture: Architecture = "stylegan1"
    topology: Topology = "skip"
    resample_taps: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    conv_clamp: float | None = None
    normalize_label: bool = False
    label_width: int = 0
    crop_columns: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.architecture not in _SIZES:
            raise ModelError(f"there is no architecture {self.architecture!r}", f"there are {', '.join(_SIZES)}")
        smallest, largest = _SIZES[self.architecture]
        blocks = int(math.log2(self.resolution)) - 1 if self.resolution >= smallest else 0
        if blocks == 0 or 2 ** (blocks + 1) != self.resolution:
            raise ModelError(f"resolution {self.resolution} is not a power of two from {smallest} upwards")
        if len(self.channels) != blocks:
            raise ModelError(f"{blocks} channel counts belong to {self.resolution} pixels, not {len(self.channels)}")
        if self.resolution > largest:
            raise ModelError(f"resolution {self.resolution} is larger than any {self.family}'s {largest}")
        if self.is_stylegan2:
            self._check_stylegan2()
        if self.blur_taps and len(self.blur_taps) % 2 == 0:
            raise ModelError(f"a blur filter of {len(self.blur_taps)} taps has no middle")
        if not 0 <= self.lod <= blocks - 1:
            raise ModelError(f"lod {self.lod} lies outside 0..{blocks - 1}")
        for what, part in (("rows", self.crop), ("columns", self.crop_columns)):
            if part and not 0 <= part[0] < part[1] <= self.resolution:
                raise ModelError(f"crop {what} {part} lie outside the {self.resolution} pixel output")

    def _check_stylegan2(self) -> None:
        if self.topology not in get_args(Topology):
            raise ModelError(f"there is no topology {self.topology!r}", f"there are {', '.join(get_args(Topology))}")
        if len(self.resample_taps) != 4:
            raise ModelError(f"a resampling filter of {len(self.resample_taps)} taps, not 4, moves the picture")
        if self.conv_clamp is not None and not self.conv_clamp > 0:
            raise ModelError(f"a bound of {self.conv_clamp} leaves no activation")
        if self.lod or self.layerwise_mapping:
            raise ModelError("a StyleGAN2 has no level of detail and one w for all layers")

    @property
    def is_stylegan2(self) -> bool:
        """Whether it is a StyleGAN2."""
        return self.architecture == "stylegan2"

    @property
    def family(self) -> str:
        """The architecture as people write it."""
        return "StyleGAN2" if self.is_stylegan2 else "StyleGAN1"

    @property
    def label_features(self) -> int:
        """Numbers that the mapping network takes beside z: an embedded label's, none without labels."""
        return (self.label_width or self.z_dim) if self.label_size else 0

    @property
    def num_layers(self) -> int:
        """L = 2 log2(R) - 2, the rows of a w+ latent.

        In a StyleGAN1 each is the style of a layer. In a StyleGAN2 row i is that of convolution i, of which there are
        L - 1; the conversion to RGB after a resolution's last convolution takes the row that follows.
        """
        return 2 * len(self.channels)

    @property
    def crossover(self) -> int:
        """The first row that a style transfer takes over: the second convolution at 64 pixels of a 1024 pixel model.

        So the paper's half (section 4.2), which is row 9 of 18 in a StyleGAN1, is row 8 of a StyleGAN2.
        """
        return max(1, self.num_layers // 2 - self.is_stylegan2)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the picture within the square network output."""
        whole = 0, self.resolution
        return slice(*(self.crop or whole)), slice(*(self.crop_columns or whole))

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of that picture."""
        rows, columns = self.window
        return rows.stop - rows.start, columns.stop - columns.start

    def layer_resolution(self, layer: int) -> int:
        """Pixels a side of the output of synthesis layer 0..L-1."""
        return int(4 * 2 ** self._block(layer))

    def layer_channels(self, layer: int) -> int:
        """Feature maps of synthesis layer 0..L-1."""
        return self.channels[self._block(layer)]

    def _block(self, layer: int) -> int:
        """The resolution that a layer belongs to, 0 for 4x4; the last row of a StyleGAN2 belongs to the last one."""
        return min((layer + self.is_stylegan2) // 2, len(self.channels) - 1)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of JSON values; `from_json` reads it back."""
        return asdict(self)

    def identity(self) -> str:
        """A text that differs between architectures; fields at their defaults are left out, so new ones can come.

        A StyleGAN2's truncation is left out too: its files name different ones for the same network, or none, and it
        decides which samples are drawn, not what is computed of a latent. A StyleGAN1's has always been part of it.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.is_stylegan2:
            values |= {"truncation_psi": type(self).truncation_psi, "truncation_cutoff": self.num_layers}
        defaults = {field.name: field.default for field in fields(self)}
        return repr(sorted((name, value) for name, value in values.items() if value != defaults[name]))

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
