"""StyleGAN1's synthesis network: w+ -> image (Karras, Laine, Aila 2019, section 2)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.models.layers import (
    blur,
    blur_kernel,
    instance_norm,
    style_modulation,
    upsample_kernel,
    upsample_nearest,
    upsampling_convolution,
)
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.synthesis import Synthesis


class SynthesisLayer(nn.Module):
    """One of the L styled layers: convolution, blur, noise, bias, leaky ReLU, instance norm, style.

    Layer 0 has no convolution; the even layers after it double the size with a folded 4x4 kernel.
    """

    noise: Tensor
    blur_kernel: Tensor | None

    def __init__(self, spec: GeneratorSpec, index: int) -> None:
        super().__init__()
        size, channels = spec.layer_resolution(index), spec.layer_channels(index)
        self.upsamples = index > 0 and index % 2 == 0
        self.negative_slope = spec.negative_slope
        self.weight: nn.Parameter | None = None
        if index > 0:
            inputs = spec.layer_channels(index - 1)
            shape = (inputs, channels, 4, 4) if self.upsamples else (channels, inputs, 3, 3)
            self.weight = nn.Parameter(torch.empty(shape))
        self.noise_weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.style = nn.Linear(spec.w_dim, 2 * channels)
        self.register_buffer("noise", torch.empty(1, 1, size, size))
        taps = spec.blur_taps if self.upsamples else ()
        self.register_buffer("blur_kernel", blur_kernel(taps) if taps else None, persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """`x` [N, C_in, H, W], `w` [N, D], `noise` [1 or N, 1, H', W'] -> [N, C, H', W']."""
        x = self._convolve(x)  # [N, C, H', W']
        per_channel = (1, -1, 1, 1)
        x = x + noise.to(x.dtype) * self.noise_weight.to(x.dtype).view(per_channel)
        x = x + self.bias.to(x.dtype).view(per_channel)
        x = F.leaky_relu(x, self.negative_slope)
        return style_modulation(instance_norm(x), self.style(w))

    def _convolve(self, x: Tensor) -> Tensor:
        if self.weight is None:
            return x
        if not self.upsamples:
            return F.conv2d(x, self.weight, padding=1)
        x = upsampling_convolution(x, self.weight)
        return x if self.blur_kernel is None else blur(x, self.blur_kernel)


class StyleGan1Synthesis(Synthesis):
    """The learned 4x4 constant, the L styled layers and the 1x1 convolution to RGB."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__(spec)
        self.const = nn.Parameter(torch.empty(1, spec.channels[0], 4, 4))
        self.layers = nn.ModuleList(SynthesisLayer(spec, i) for i in range(spec.num_layers))
        self.to_rgb = nn.ModuleDict({str(lod): self._rgb(lod) for lod in self.rgb_lods(spec)})

    @staticmethod
    def rgb_lods(spec: GeneratorSpec) -> tuple[int, ...]:
        """The levels of detail whose toRGB layers take part in the output: one, or two while fading."""
        return tuple(range(math.floor(spec.lod), math.ceil(spec.lod) + 1))

    def _rgb(self, lod: int) -> nn.Conv2d:
        return nn.Conv2d(self.spec.channels[-1 - lod], 3, kernel_size=1)

    def stored_noise(self) -> list[Tensor]:
        """See `Synthesis`: L maps."""
        return [layer.noise for layer in self._styled()]

    def style_weights(self) -> list[Tensor]:
        """See `Synthesis`: C is twice the layer's feature maps."""
        return [layer.style.weight for layer in self._styled()]

    def to_precision(self, dtype: torch.dtype) -> Self:
        """See `Synthesis`."""
        self.to(dtype)
        for layer in self._styled():
            layer.style.float()
            layer.noise = layer.noise.float()
        return self

    def _styled(self) -> list[SynthesisLayer]:
        return [cast(SynthesisLayer, layer) for layer in self.layers]

    def forward(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """See `Synthesis`."""
        lod = math.floor(self.spec.lod)
        layers_run = self.spec.num_layers - 2 * lod
        x: Tensor = self.const
        before: Tensor = x
        for index, activation in zip(range(layers_run), self.activations(w_plus, noise), strict=False):
            before = activation if index == layers_run - 3 else before
            x = activation
        image: Tensor = self.to_rgb[str(lod)](x)  # [N, 3, R >> lod, R >> lod]
        fading = self.spec.lod - lod
        if fading:
            coarse = upsample_nearest(self.to_rgb[str(lod + 1)](before), 1)
            image = torch.lerp(image, coarse, fading)
        return upsample_nearest(image, lod)

    def activations(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Iterator[Tensor]:
        """See `Synthesis`: each after its style modulation."""
        self.check_latents(w_plus)
        maps = self.stored_noise() if noise is None else noise
        x = self.const.expand(w_plus.shape[0], -1, -1, -1)  # [N, C, 4, 4]
        for index, layer in enumerate(self.layers):
            x = layer(x, w_plus[:, index], maps[index])
            yield x


def run_time_tensors(spec: GeneratorSpec, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stored tensors as the module takes them: float32, upsampling kernels folded, unused toRGB layers left out."""
    used = {f"synthesis.to_rgb.{lod}" for lod in StyleGan1Synthesis.rgb_lods(spec)}
    tensors = {}
    for name, tensor in stored.items():
        owner, _, leaf = name.rpartition(".")
        if owner.startswith("synthesis.to_rgb.") and owner not in used:
            continue
        layer = owner.removeprefix("synthesis.layers.")
        upsamples = leaf == "weight" and layer.isdigit() and int(layer) > 0 and int(layer) % 2 == 0
        tensors[name] = upsample_kernel(tensor.float()) if upsamples else tensor.float()
    return tensors
