"""StyleGAN2's synthesis network: w+ -> image (Karras et al. 2020, section 2 and figure 2).

A modulated convolution with weights W, styles s and demodulation d (equations 1 to 3 there) is computed unfused, as

    v = conv(x * s, W) * d,     d_c = 1 / sqrt(sum_i s_i^2 E_ci + epsilon),     E_ci = sum over the kernel of W_ci^2

so W stays as it is for every picture: it can be laid out once, and no gradient is made for it. All weights are
effective: the equalised learning rate's scaling has been multiplied in.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.models.layers import blur_kernel
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.synthesis import Synthesis

DEMODULATION_EPSILON = 1e-8
SLOPE = 0.2  # of the leaky ReLU, whose output is multiplied by GAIN
GAIN = math.sqrt(2)
RESIDUAL_GAIN = math.sqrt(0.5)  # of both branches of a residual block


class ModulatedLayer(nn.Module):
    """A styled convolution: modulation, convolution, demodulation, noise, bias, leaky ReLU, bound.

    Args:
        spec: of the generator.
        index: 0..L-2; odd ones double the size.
    """

    noise: Tensor
    energy: Tensor
    taps: Tensor | None

    def __init__(self, spec: GeneratorSpec, index: int) -> None:
        super().__init__()
        size, channels = spec.layer_resolution(index), spec.layer_channels(index)
        inputs = spec.layer_channels(max(index - 1, 0))
        self.upsamples = index % 2 == 1
        residual = spec.topology == "resnet" and index > 0 and not self.upsamples
        self.gain = GAIN * (RESIDUAL_GAIN if residual else 1.0)
        self.bound = scaled_bound(spec.conv_clamp, RESIDUAL_GAIN if residual else 1.0)
        self.weight = nn.Parameter(torch.empty(channels, inputs, 3, 3))
        self.noise_weight = nn.Parameter(torch.empty(1))
        self.bias = nn.Parameter(torch.empty(channels))
        self.style = nn.Linear(spec.w_dim, inputs)
        self.register_buffer("noise", torch.empty(1, 1, size, size))
        self.register_buffer("energy", torch.empty(channels, inputs))
        self.register_buffer("taps", upsampling_taps(spec) if self.upsamples else None, persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """`x` [N, C_in, H, W], `w` [N, D], `noise` [1 or N, 1, H', W'] -> [N, C, H', W']."""
        style, demodulation = modulation(self.style(w), self.energy)  # [N, C_in], [N, C]
        x = self._convolve(x * per_image(style, x))  # [N, C, H', W']
        x = x * per_image(demodulation, x) + (noise * self.noise_weight.to(noise.dtype)).to(x.dtype)
        x = F.leaky_relu(x + self.bias.to(x.dtype).view(1, -1, 1, 1), SLOPE) * self.gain
        return x if self.bound is None else x.clamp(-self.bound, self.bound)

    def _convolve(self, x: Tensor) -> Tensor:
        if self.taps is None:
            return F.conv2d(x, self.weight, padding=1)
        x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)  # [N, C, 2H + 1, 2W + 1]
        return filtered(x, self.taps)


class ToRgb(nn.Module):
    """A modulated 1x1 convolution to colours, without demodulation; float32 from the product on."""

    def __init__(self, spec: GeneratorSpec, block: int) -> None:
        super().__init__()
        channels = spec.channels[block]
        self.bound = spec.conv_clamp
        self.weight = nn.Parameter(torch.empty(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(3))
        self.style = nn.Linear(spec.w_dim, channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """`x` [N, C, H, W], `w` [N, D] -> [N, 3, H, W] float32."""
        style: Tensor = self.style(w)
        largest = style.abs().amax(dim=1, keepdim=True)  # the product fits 16 bits when it is taken out
        image = F.conv2d(x * per_image(style / largest.clamp(min=DEMODULATION_EPSILON), x), self.weight).float()
        image = image * per_image(largest, image) + self.bias.float().view(1, -1, 1, 1)
        return image if self.bound is None else image.clamp(-self.bound, self.bound)


class StyleGan2Synthesis(Synthesis):
    """The learned 4x4 constant, L - 1 styled convolutions, and conversions to RGB as the topology has them."""

    image_taps: Tensor

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__(spec)
        blocks = len(spec.channels)
        self.const = nn.Parameter(torch.empty(1, spec.channels[0], 4, 4))
        self.layers = nn.ModuleList(ModulatedLayer(spec, i) for i in range(spec.num_layers - 1))
        self.to_rgb = nn.ModuleDict({str(block): ToRgb(spec, block) for block in rgb_blocks(spec)})
        pairs = range(1, blocks) if spec.topology == "resnet" else ()
        self.skips = nn.ModuleDict(
            {str(block): nn.Conv2d(spec.channels[block - 1], spec.channels[block], 1, bias=False) for block in pairs}
        )
        self.register_buffer("image_taps", upsampling_taps(spec).flip(2, 3), persistent=False)

    def stored_noise(self) -> list[Tensor]:
        """See `Synthesis`: L - 1 maps."""
        return [layer.noise for layer in self.convolutions()]

    def style_weights(self) -> list[Tensor]:
        """See `Synthesis`: of a convolution's input channels, and of those of a conversion to RGB."""
        rows = [[layer.style.weight] for layer in self.convolutions()] + [[]]
        for block in rgb_blocks(self.spec):
            rows[2 * block + 1].append(self.rgb(block).style.weight)
        return [torch.cat(row) for row in rows]

    def to_precision(self, dtype: torch.dtype) -> Self:
        """See `Synthesis`."""
        self.to(dtype)
        for part in (*self.convolutions(), *(self.rgb(block) for block in rgb_blocks(self.spec))):
            part.style.float()
        for layer in self.convolutions():
            layer.noise, layer.energy = layer.noise.float(), layer.energy.float()
        self.image_taps = self.image_taps.float()
        return self

    def convolutions(self) -> list[ModulatedLayer]:
        """The styled convolutions, coarse to fine."""
        return [cast(ModulatedLayer, layer) for layer in self.layers]

    def rgb(self, block: int) -> ToRgb:
        """The conversion to RGB of a resolution, 0 for 4x4."""
        return cast(ToRgb, self.to_rgb[str(block)])

    def forward(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """See `Synthesis`."""
        image: Tensor | None = None
        converted = set(rgb_blocks(self.spec))
        for index, x in enumerate(self.activations(w_plus, noise)):
            block, ends_block = divmod(index + 1, 2)
            if not ends_block or block not in converted:
                continue
            image = None if image is None else upsampled(image, self.image_taps)
            colours = self.rgb(block)(x, w_plus[:, index + 1])
            image = colours if image is None else image + colours
        return cast(Tensor, image)

    def activations(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Iterator[Tensor]:
        """See `Synthesis`: each after its leaky ReLU; of a residual block's second, with the other branch added."""
        self.check_latents(w_plus)
        maps = self.stored_noise() if noise is None else noise
        x = self.const.expand(w_plus.shape[0], -1, -1, -1)  # [N, C, 4, 4]
        before = x
        for index, layer in enumerate(self.layers):
            before = x if index % 2 else before
            x = layer(x, w_plus[:, index], maps[index])
            if index and index % 2 == 0 and self.skips:
                x = x + self._skip(before, (index + 1) // 2)
            yield x

    def _skip(self, x: Tensor, block: int) -> Tensor:
        taps = self.image_taps.to(x.dtype)
        return upsampled(self.skips[str(block)](x), taps) * RESIDUAL_GAIN


def rgb_blocks(spec: GeneratorSpec) -> tuple[int, ...]:
    """The resolutions that are converted to RGB: all of them, or the last."""
    last = len(spec.channels) - 1
    return tuple(range(last + 1)) if spec.topology == "skip" else (last,)


def modulation(style: Tensor, energy: Tensor) -> tuple[Tensor, Tensor]:
    """Styles [N, C_in] float32 and weights' energies [C, C_in] -> styles to use [N, C_in], demodulation [N, C].

    Demodulation takes a style's size out again, so it is divided by its largest value first: 16 bits hold the products.
    """
    largest = style.abs().amax(dim=1, keepdim=True).clamp(min=DEMODULATION_EPSILON)
    relative = style / largest
    squares = relative.square() @ energy.T  # [N, C]
    return relative, torch.rsqrt(squares + DEMODULATION_EPSILON / largest.square())


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """[N, C] as [N, C, 1, 1] in the dtype of `like`."""
    return values.to(like.dtype).unsqueeze(-1).unsqueeze(-1)


def scaled_bound(bound: float | None, gain: float) -> float | None:
    """A bound of activations that are multiplied by `gain`."""
    return None if bound is None else bound * gain


def upsampling_taps(spec: GeneratorSpec) -> Tensor:
    """The low-pass filter [1, 1, 4, 4] for a signal of which three quarters are zeros; turned for a correlation."""
    return 4 * blur_kernel(spec.resample_taps).flip(2, 3)


def filtered(x: Tensor, taps: Tensor) -> Tensor:
    """`x` [N, C, 2H + 1, 2W + 1] through `taps` [1, 1, 4, 4] -> [N, C, 2H, 2W]."""
    channels = x.shape[1]
    return F.conv2d(x, taps.to(x.dtype).expand(channels, -1, -1, -1), padding=1, groups=channels)


def upsampled(x: Tensor, taps: Tensor) -> Tensor:
    """`x` [N, C, H, W] with zeros between its pixels, through `taps` [1, 1, 4, 4] -> [N, C, 2H, 2W]."""
    channels = x.shape[1]
    weight = taps.to(x.dtype).expand(channels, -1, -1, -1)  # [C, 1, 4, 4]
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


def run_time_tensors(spec: GeneratorSpec, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stored tensors as the module takes them: float32, with the energy of each convolution's weights."""
    used = {f"synthesis.to_rgb.{block}" for block in rgb_blocks(spec)}
    tensors = {}
    for name, tensor in stored.items():
        if name.startswith("synthesis.to_rgb.") and ".".join(name.split(".")[:3]) not in used:
            continue
        tensors[name] = tensor.float()
        layer, _, leaf = name.rpartition(".")
        if leaf == "weight" and tensor.ndim == 4 and layer.startswith("synthesis.layers."):
            tensors[f"{layer}.energy"] = tensor.float().square().sum(dim=(2, 3))
    return tensors
