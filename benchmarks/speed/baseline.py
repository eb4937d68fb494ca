"""The embedding step as public re-implementations write it: what the fast paths are compared with.

Eager float32. Every layer scales its weights anew (equalised learning rate), upsamples before it convolves, and keeps
noise, bias, activation and norm as operations of their own. No network is frozen, so the backward pass makes gradients
for every weight too. The target's features are computed again at each step, from bilinearly reduced pictures.
It computes the same picture as `i2s_trt`.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.speed.baseline_stylegan2 import BaselineStyleGan2
from i2s_trt.errors import ModelError
from i2s_trt.models.generator import GeneratorWeights
from i2s_trt.models.layers import NORM_EPSILON, blur_kernel
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.models.vgg_layout import CONVOLUTIONS, POOLED_BEFORE, TAPS

_LEARNING_RATE = 0.01
_SIZE = 256
_MEAN = (123.68, 116.779, 103.939)  # of 0..255, as Oxford's weights want it


class BaselineEmbedding(nn.Module):
    """Embeds a batch of pictures, one call a step.

    Args:
        weights: of the generator.
        vgg: gives the weights of the features.
        targets: [N, 3, R, R] in [-1, 1].

    Raises:
        ModelError: the model is one that such programs do not run: half grown, or cropped.
    """

    def __init__(self, weights: GeneratorWeights, vgg: Vgg16, targets: Tensor) -> None:
        super().__init__()
        network = BaselineStyleGan2 if weights.spec.is_stylegan2 else BaselineGenerator
        self.generator = network(weights).to(targets.device)
        self.features = BaselineFeatures(vgg).to(targets.device)
        self.targets = targets
        start = weights.tensors["mean_w"].float().expand(len(targets), weights.spec.num_layers, -1)
        self.latents = nn.Parameter(start.clone().to(targets.device))
        self.optimizer = torch.optim.Adam([self.latents], lr=_LEARNING_RATE)

    def step(self) -> float:
        """One step of gradient descent; returns the loss before it, which waits for the device as such programs do."""
        self.optimizer.zero_grad()
        images = self.generator(self.latents)
        loss = F.mse_loss(images, self.targets) * 127.5**2
        for ours, wanted in zip(self.features(images), self.features(self.targets), strict=True):
            loss = loss + F.mse_loss(ours, wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item()


class BaselineGenerator(nn.Module):
    """w+ [N, L, D] -> images [N, 3, R, R]."""

    def __init__(self, weights: GeneratorWeights) -> None:
        super().__init__()
        spec, tensors = weights.spec, weights.tensors
        if spec.lod or spec.crop or spec.crop_columns:
            raise ModelError("the baseline renders fully grown square models only", "name another --model")
        self.const = nn.Parameter(tensors["synthesis.const"].float().clone())
        self.layers = nn.ModuleList(BaselineLayer(spec, i, _of_layer(tensors, i)) for i in range(spec.num_layers))
        self.to_rgb = EqualisedConvolution(tensors["synthesis.to_rgb.0.weight"])
        self.rgb_bias = nn.Parameter(tensors["synthesis.to_rgb.0.bias"].float().clone())

    def forward(self, w_plus: Tensor) -> Tensor:
        """Render latents."""
        x = self.const.expand(len(w_plus), -1, -1, -1)
        for index, layer in enumerate(self.layers):
            x = layer(x, w_plus[:, index])
        return self.to_rgb(x) + self.rgb_bias.view(1, -1, 1, 1)  # type: ignore[no-any-return]


class BaselineLayer(nn.Module):
    """One styled layer, operation by operation."""

    noise: Tensor
    blur: Tensor

    def __init__(self, spec: GeneratorSpec, index: int, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.upsamples = index > 0 and index % 2 == 0
        self.slope = spec.negative_slope
        self.convolution = EqualisedConvolution(tensors["weight"], padding=1) if index else None
        self.noise_weight = nn.Parameter(tensors["noise_weight"].float().clone())
        self.bias = nn.Parameter(tensors["bias"].float().clone())
        self.style = EqualisedLinear(tensors["style.weight"], tensors["style.bias"])
        self.register_buffer("noise", tensors["noise"].float().clone())
        taps = spec.blur_taps if self.upsamples else ()
        self.register_buffer("blur", blur_kernel(taps) if taps else torch.empty(0))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """`x` [N, C_in, H, W], `w` [N, D] -> [N, C, H', W']."""
        if self.upsamples:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        if self.convolution is not None:
            x = self.convolution(x)
        channels = x.shape[1]
        if self.blur.numel():
            x = F.conv2d(x, self.blur.expand(channels, -1, -1, -1), padding=self.blur.shape[-1] // 2, groups=channels)
        x = x + self.noise_weight.view(1, -1, 1, 1) * self.noise
        x = x + self.bias.view(1, -1, 1, 1)
        x = F.leaky_relu(x, self.slope)
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x * torch.rsqrt((x * x).mean(dim=(2, 3), keepdim=True) + NORM_EPSILON)
        style = self.style(w).view(-1, 2, channels, 1, 1)
        return x * (style[:, 0] + 1) + style[:, 1]  # type: ignore[no-any-return]


class EqualisedConvolution(nn.Module):
    """A convolution whose stored weight is multiplied by its He constant each time it runs."""

    def __init__(self, weight: Tensor, padding: int = 0) -> None:
        super().__init__()
        self.gain = math.sqrt(2.0 / math.prod(weight.shape[1:]))
        self.weight = nn.Parameter(weight.float() / self.gain)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """[N, C_in, H, W] -> [N, C, H, W]."""
        return F.conv2d(x, self.weight * self.gain, padding=self.padding)


class EqualisedLinear(nn.Module):
    """A dense layer, likewise."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.gain = math.sqrt(1.0 / weight.shape[1])
        self.weight = nn.Parameter(weight.float() / self.gain)
        self.bias = nn.Parameter(bias.float().clone())

    def forward(self, x: Tensor) -> Tensor:
        """[N, D] -> [N, C]."""
        return F.linear(x, self.weight * self.gain, self.bias)


class BaselineFeatures(nn.Module):
    """VGG-16's features of reduced images, with trainable weights."""

    mean: Tensor

    def __init__(self, vgg: Vgg16) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict()
        for index, (_, inputs, outputs) in CONVOLUTIONS.items():
            self.convolutions[str(index)] = nn.Conv2d(inputs, outputs, 3, padding=1)
            self.convolutions[str(index)].load_state_dict(vgg.features[str(index)].state_dict())
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """[N, 3, R, R] in [-1, 1] -> features of the four layers of Eq. 2."""
        x = (images + 1) * 127.5 - self.mean
        if x.shape[-1] > _SIZE:
            x = F.interpolate(x, size=(_SIZE, _SIZE), mode="bilinear", align_corners=False)
        found = []
        for index, (name, _, _) in CONVOLUTIONS.items():
            x = F.max_pool2d(x, 2) if index in POOLED_BEFORE else x
            x = F.relu(self.convolutions[str(index)](x))
            if name in TAPS:
                found.append(x)
        return found


def _of_layer(tensors: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    prefix = f"synthesis.layers.{index}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
