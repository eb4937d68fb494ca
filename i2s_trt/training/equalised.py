"""A StyleGAN1 generator while it is trained: equalised raw parameters behind the very modules that run it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call

from i2s_trt.models.architectures import run_time_tensors
from i2s_trt.models.generator import Generator
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.factors import LEVELS, bends

MAPPING_RATE = 0.01  # learning-rate multiplier of the mapping network (Karras et al. 2019, appendix C)
THRESHOLDS = (0.0, 0.5, -0.5, 1.0, -1.0, 0.25, 1.5, -1.5, 0.75)  # where w bends, in standard deviations
LIFT = 6.0  # keeps z + LIFT positive: of 54 values with unit mean square none lies beyond 7.4, hardly any beyond 4
STYLE_START = 0.2  # style weights start this much smaller; training starts far faster so


class EqualisedGenerator(nn.Module):
    """Raw parameters of about unit size; effective weight = raw parameter * constant (Karras et al. 2018, 4.1).

    The forward pass computes the effective weights and runs the core's own mapping and synthesis on them, so what
    is trained is exactly what is run later.
    """

    def __init__(self, spec: GeneratorSpec, seed: int) -> None:
        super().__init__()
        self.spec = spec
        self.random = torch.Generator().manual_seed(seed)
        self.raw = nn.ParameterDict()
        self.constants: dict[str, float] = {}
        self._core = (Generator(spec),)  # in a tuple: its empty tensors are no parameters of this module
        self._add_mapping()
        self._add_synthesis()
        self.register_buffer("levels", level_of_layers(spec.num_layers), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._core[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _add(self, name: str, start: Tensor, constant: float = 1.0) -> None:
        self.raw[name.replace(".", "/")] = nn.Parameter(start / constant)
        self.constants[name] = constant

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random)

    def _add_mapping(self) -> None:
        for index, (weight, bias) in enumerate(start_mapping(self.spec)):
            self._add(f"mapping.dense.{index}.weight", weight, MAPPING_RATE * math.sqrt(2.0 / weight.shape[1]))
            self._add(f"mapping.dense.{index}.bias", bias, MAPPING_RATE)

    def _add_synthesis(self) -> None:
        spec = self.spec
        self._add("synthesis.const", self._normal(1, spec.channels[0], 4, 4))  # ones would be normalised away
        for index in range(spec.num_layers):
            channels = spec.layer_channels(index)
            prefix = f"synthesis.layers.{index}"
            if index > 0:
                inputs = spec.layer_channels(index - 1)
                constant = math.sqrt(2.0 / (9 * inputs))
                self._add(f"{prefix}.weight", constant * self._normal(channels, inputs, 3, 3), constant)
            self._add(f"{prefix}.bias", torch.zeros(channels))
            self._add(f"{prefix}.noise_weight", torch.zeros(channels))
            constant = 1.0 / math.sqrt(spec.w_dim)
            self._add(
                f"{prefix}.style.weight",
                STYLE_START * constant * self._normal(2 * channels, spec.w_dim),
                constant,
            )
            self._add(f"{prefix}.style.bias", torch.zeros(2 * channels))
            size = spec.layer_resolution(index)
            self.register_buffer(f"noise_{index}", self._normal(1, 1, size, size))
        constant = 1.0 / math.sqrt(spec.channels[-1])
        self._add("synthesis.to_rgb.0.weight", constant * self._normal(3, spec.channels[-1], 1, 1), constant)
        self._add("synthesis.to_rgb.0.bias", torch.zeros(3))

    def effective(self) -> dict[str, Tensor]:
        """The canonical tensors of `GeneratorWeights`, differentiable in the raw parameters (no `mean_w` yet)."""
        tensors = {name: self.raw[name.replace(".", "/")] * constant for name, constant in self.constants.items()}
        for index in range(self.spec.num_layers):
            tensors[f"synthesis.layers.{index}.noise"] = self.get_buffer(f"noise_{index}")
        return tensors

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [N, 3, Z], one a level, to images [N, 3, R, R] in about [-1, 1]."""
        tensors = run_time_tensors(self.spec, self.effective())
        core = self._core[0]
        w = functional_call(core.mapping, _below("mapping.", tensors), (latents.flatten(0, 1),))
        w_plus = w.view(len(latents), len(LEVELS), -1)[:, self.get_buffer("levels")]
        image: Tensor = functional_call(core.synthesis, _below("synthesis.", tensors), (w_plus,))
        return image

    def inherit(self, smaller: EqualisedGenerator) -> list[str]:
        """Takes over what a generator of half the resolution has learned; returns the names of new parameters."""
        shared = {name for name in smaller.raw if not name.startswith("synthesis/to_rgb")}
        with torch.no_grad():
            for name in shared:
                self.raw[name].copy_(smaller.raw[name])
            for index in range(smaller.spec.num_layers):
                self.get_buffer(f"noise_{index}").copy_(smaller.get_buffer(f"noise_{index}"))
        return [name for name in self.raw if name not in shared]


def level_of_layers(num_layers: int) -> Tensor:
    """Which of the three levels steers each layer: layers 0-2 coarse, 3-5 middle, the rest fine."""
    return torch.tensor([0, 0, 0, 1, 1, 1] + [2] * (num_layers - 6))


def start_mapping(spec: GeneratorSpec) -> list[tuple[Tensor, Tensor]]:
    """Start weights and biases under which w lists every latent value, bent at several points.

    The dense layers but the last copy z, lifted above zero so that leaky ReLU lets it pass; the last one takes it
    down again, less a threshold: w_j = lrelu(+-(z_i - t)). A style, being linear in w, can then be any piecewise
    linear function of each factor from the first step. From random weights, training would first have to undo eight
    layers' mixing of the factors, at a hundredth of its learning rate. A factor that shows only in part of its range
    is bent where it begins and ends to show first: a cap that half of the portraits' latents do not reach would
    otherwise be a ramp from the middle of them.
    """
    latents, width = spec.z_dim, spec.w_dim
    column = torch.arange(width) % latents
    copies = torch.arange(width) // latents
    thresholds = torch.tensor([_threshold(int(i), int(k)) for i, k in zip(column, copies, strict=True)])
    signs = 1.0 - 2.0 * (copies % 2)
    one_of = torch.nn.functional.one_hot(column, latents).float()
    layers = [(one_of, torch.full((width,), LIFT))]
    layers += [(torch.eye(width), torch.zeros(width)) for _ in spec.mapping_widths[2:]]
    layers.append((torch.diag(signs), -signs * (LIFT + thresholds)))
    return layers


def _threshold(factor: int, copy: int) -> float:
    """Where copy `copy` of a factor's latent is bent."""
    own = bends(factor)
    return own[copy] if copy < len(own) else THRESHOLDS[(copy - len(own)) % len(THRESHOLDS)]


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def average_into(average: Iterable[Tensor], current: Iterable[Tensor], decay: float) -> None:
    """Exponential moving average, in place."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average), list(current), 1.0 - decay)
