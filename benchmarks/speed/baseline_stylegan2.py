"""A StyleGAN2 as public re-implementations write it: what the fast step is compared with.

Eager float32, as rosinality's stylegan2-pytorch runs where its CUDA kernels are not built. Every layer scales its
weights, makes a kernel for each image and convolves in groups; filters pad and insert zeros by copies. No weight is
frozen.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.errors import ModelError
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.models.layers import blur_kernel

_SLOPE, _EPSILON = 0.2, 1e-8


class BaselineStyleGan2(nn.Module):
    """w+ [N, L, D] -> images [N, 3, R, R]."""

    kernel: Tensor

    def __init__(self, weights: GeneratorWeights) -> None:
        super().__init__()
        spec, tensors = weights.spec, weights.tensors
        if spec.topology != "skip" or spec.crop or spec.crop_columns:
            raise ModelError("the baseline renders square models of the skip topology only", "name another --model")
        self.bound = spec.conv_clamp
        self.const = nn.Parameter(tensors["synthesis.const"].float().clone())
        self.layers = nn.ModuleList(
            _ModulatedConvolution(_of_part(tensors, f"synthesis.layers.{i}."), demodulate=True, upsamples=i % 2 == 1)
            for i in range(spec.num_layers - 1)
        )
        self.to_rgb = nn.ModuleList(
            _ModulatedConvolution(_of_part(tensors, f"synthesis.to_rgb.{b}."), demodulate=False)
            for b in range(len(spec.channels))
        )
        self.register_buffer("kernel", blur_kernel(spec.resample_taps))

    def forward(self, w_plus: Tensor) -> Tensor:
        """Render latents."""
        x = self.const.expand(len(w_plus), -1, -1, -1)
        image: Tensor | None = None
        for index, layer in enumerate(self.layers):
            x = layer(x, w_plus[:, index], self.kernel)
            x = F.leaky_relu(x, _SLOPE) * math.sqrt(2)
            x = x if self.bound is None else x.clamp(-self.bound, self.bound)
            if index % 2 == 0:
                colours = self.to_rgb[index // 2](x, w_plus[:, index + 1], self.kernel)
                colours = colours if self.bound is None else colours.clamp(-self.bound, self.bound)
                image = colours if image is None else _upsample(image, self.kernel) + colours
        if image is None:
            raise AssertionError("there is a layer at 4x4")
        return image


class _ModulatedConvolution(nn.Module):
    noise: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], *, demodulate: bool, upsamples: bool = False) -> None:
        super().__init__()
        weight = tensors["weight"].float()
        self.gain, self.style_gain = 1 / math.sqrt(weight[0].numel()), 1 / math.sqrt(tensors["style.weight"].shape[1])
        self.weight = nn.Parameter(weight / self.gain)
        self.style = nn.Parameter(tensors["style.weight"].float() / self.style_gain)
        self.style_bias = nn.Parameter(tensors["style.bias"].float().clone())
        self.bias = nn.Parameter(tensors["bias"].float().clone())
        self.demodulate, self.upsamples = demodulate, upsamples
        if demodulate:
            self.noise_weight = nn.Parameter(tensors["noise_weight"].float().clone())
            self.register_buffer("noise", tensors["noise"].float().clone())

    def forward(self, x: Tensor, w: Tensor, kernel: Tensor) -> Tensor:
        """`x` [N, C_in, H, W], `w` [N, D] -> [N, C, H', W']."""
        count, inputs, height, width = x.shape
        style = F.linear(w, self.style * self.style_gain, self.style_bias)
        weight = self.gain * self.weight.unsqueeze(0) * style.view(count, 1, inputs, 1, 1)  # [N, C, C_in, K, K]
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.pow(2).sum(dim=(2, 3, 4), keepdim=True) + _EPSILON)
        outputs, size = weight.shape[1], weight.shape[-1]
        x = x.reshape(1, count * inputs, height, width)
        if self.upsamples:
            weight = weight.transpose(1, 2).reshape(count * inputs, outputs, size, size)
            x = F.conv_transpose2d(x, weight, stride=2, groups=count)
            x = _filter(F.pad(x, (1, 1, 1, 1)).view(count, outputs, *(side + 2 for side in x.shape[2:])), kernel * 4)
        else:
            x = F.conv2d(x, weight.view(count * outputs, inputs, size, size), padding=size // 2, groups=count)
            x = x.view(count, outputs, height, width)
        if self.demodulate:
            x = x + self.noise_weight * self.noise
        return x + self.bias.view(1, -1, 1, 1)


def _upsample(image: Tensor, kernel: Tensor) -> Tensor:
    """Zeros between the pixels, a border, and the filter."""
    count, channels, height, width = image.shape
    spread = F.pad(image.view(count, channels, height, 1, width, 1), (0, 1, 0, 0, 0, 1))
    return _filter(F.pad(spread.view(count, channels, 2 * height, 2 * width), (2, 1, 2, 1)), kernel * 4)


def _filter(x: Tensor, kernel: Tensor) -> Tensor:
    count, channels = x.shape[:2]
    rows = F.conv2d(x.reshape(count * channels, 1, *x.shape[2:]), kernel.flip(2, 3))
    return rows.view(count, channels, *rows.shape[2:])


def _of_part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
