"""The encoder of pSp, e4e and ReStyle: picture -> w+, through a residual network and a head for each row.

Richardson et al. 2021 (pSp), Tov et al. 2021 (e4e), Alaluf et al. 2021 (ReStyle). The residual network is the face
recogniser IR-SE50 (Deng et al. 2019, with squeeze and excitation); what it sees at three sizes is a feature pyramid.
Names of modules are the original's, so that its weights load as they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.errors import ModelError

UNITS = (3, 4, 14, 3)  # residual units of each stage
STAGE_ENDS = tuple(total - 1 for total in accumulate(UNITS))  # the last unit of each
SEEN = 256  # pixels that a picture is wide when the encoder sees it
_SQUEEZED = 16
_MIDDLE, _FINE = 3, 7  # first rows whose heads see the pyramid at 32 and at 64 pixels
_COARSEST = 16  # pixels


@dataclass(frozen=True)
class PyramidSpec:
    """What such an encoder looks like.

    Attributes:
        rows: L, heads that it has.
        w_dim: D.
        channels: of the four stages.
        pyramid: whether heads see three sizes (pSp, e4e), or all the coarsest one (ReStyle).
        offsets: whether all heads but the first give what is added to the first's guess (e4e).
        looks_at_its_guess: whether the input is the picture with the rendered guess beside it (ReStyle).
        rounds: how often it looks then.
    """

    rows: int
    w_dim: int
    channels: tuple[int, ...] = (64, 128, 256, 512)
    pyramid: bool = True
    offsets: bool = True
    looks_at_its_guess: bool = False
    rounds: int = 1

    def __post_init__(self) -> None:
        if len(self.channels) != len(UNITS) or min(self.channels) < _SQUEEZED:
            raise ModelError(f"an encoder has four stages of at least {_SQUEEZED} channels, not {list(self.channels)}")
        if self.rows < 1 or self.w_dim < 1 or not 1 <= self.rounds <= 100:
            raise ModelError(f"an encoder of {self.rows} rows of {self.w_dim} and {self.rounds} rounds cannot be")


class PyramidEncoder(nn.Module):
    """IR-SE50 and the heads.

    Args:
        spec: of the encoder.
    """

    stored_as: ClassVar[torch.dtype] = torch.float32  # an original's weights are kept as they are
    mean_w: Tensor

    def __init__(self, spec: PyramidSpec) -> None:
        super().__init__()
        self.spec = spec
        stem, last = spec.channels[0], spec.channels[-1]
        inputs = 6 if spec.looks_at_its_guess else 3
        self.input_layer = nn.Sequential(
            nn.Conv2d(inputs, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem)
        )
        self.body = nn.Sequential(*_units(spec.channels))
        self.styles = nn.ModuleList(_Head(last, spec.w_dim, self._seen_by(row)) for row in range(spec.rows))
        if spec.pyramid:
            self.latlayer1 = nn.Conv2d(spec.channels[2], last, 1)
            self.latlayer2 = nn.Conv2d(spec.channels[1], last, 1)
        self.register_buffer("mean_w", torch.zeros(spec.rows, spec.w_dim))

    def _seen_by(self, row: int) -> int:
        """Pixels that the features of a row's head are wide."""
        return _COARSEST * (1 if not self.spec.pyramid or row < _MIDDLE else 2 if row < _FINE else 4)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1] -> w_plus [N, L, D].

        Raises:
            ModelError: the encoder looks at its own guesses, which it needs a generator for: `refine`.
        """
        if self.spec.looks_at_its_guess:
            raise ModelError("a ReStyle encoder needs its generator, to see what it guessed", "embed --init encoder")
        return self.mean_w + self._heads(_resized(images))

    @property
    def looks_at_its_guess(self) -> bool:
        """Whether it needs the generator: `refine`."""
        return self.spec.looks_at_its_guess

    def refine(self, images: Tensor, render: Callable[[Tensor], Tensor]) -> Tensor:
        """Look again and again at pictures and guesses; as `forward`, and `render` is w_plus -> pictures."""
        seen = _resized(images)  # [N, 3, h, 256]
        latents = self.mean_w.expand(len(images), -1, -1)
        for _ in range(self.spec.rounds):
            latents = latents + self._heads(torch.cat([seen, _resized(render(latents))], dim=1))
        return latents

    def _heads(self, x: Tensor) -> Tensor:
        """What is added to the mean latent: [N, C, h, 256] -> [N, L, D]."""
        at_64, at_32, at_16 = self._features(self.input_layer(x))
        seen = {_COARSEST: at_16}
        if self.spec.pyramid:
            seen[2 * _COARSEST] = _upsampled(at_16, self.latlayer1(at_32))
            seen[4 * _COARSEST] = _upsampled(seen[2 * _COARSEST], self.latlayer2(at_64))
        guesses = [head(seen[self._seen_by(row)]) for row, head in enumerate(self.styles)]
        if self.spec.offsets:
            guesses = [guesses[0], *(guesses[0] + offset for offset in guesses[1:])]
        return torch.stack(guesses, dim=1)

    def _features(self, x: Tensor) -> list[Tensor]:
        """The last three stages' results, 64, 32 and 16 pixels wide."""
        found = []
        for number, unit in enumerate(self.body):
            x = unit(x)
            found += [x] if number in STAGE_ENDS[1:] else []
        return found


class _Unit(nn.Module):
    """A residual unit that normalises first and weighs its channels at last."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = (
            nn.MaxPool2d(1, stride)
            if inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            _Excitation(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.res_layer(x) + self.shortcut_layer(x))


class _Excitation(nn.Module):
    """Weighs channels by their means (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _SQUEEZED, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // _SQUEEZED, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)  # [N, C, 1, 1]
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(means))))


class _Head(nn.Module):
    """Halves features until one pixel is left: [N, C, h, size] -> [N, D]."""

    def __init__(self, inputs: int, w_dim: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(size.bit_length() - 1):
            layers += [nn.Conv2d(inputs, w_dim, 3, stride=2, padding=1), nn.LeakyReLU()]
            inputs = w_dim
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(self.convs(x).flatten(1)))


def _units(channels: tuple[int, ...]) -> Iterator[nn.Module]:
    """Every stage begins with a unit that halves."""
    for count, (inputs, outputs) in zip(UNITS, pairwise((channels[0], *channels)), strict=True):
        yield _Unit(inputs, outputs, stride=2)
        for _ in range(count - 1):
            yield _Unit(outputs, outputs, stride=1)


def _upsampled(x: Tensor, finer: Tensor) -> Tensor:
    return F.interpolate(x, size=finer.shape[-2:], mode="bilinear", align_corners=True) + finer


def _resized(images: Tensor) -> Tensor:
    """Pictures 256 pixels wide, their proportions kept."""
    height, width = images.shape[-2:]
    if width > SEEN and width % SEEN == 0:
        return F.avg_pool2d(images, width // SEEN)
    size: Any = (max(1, height * SEEN // width), SEEN)
    return images if width == SEEN else F.interpolate(images, size=size, mode="bilinear", align_corners=False)
