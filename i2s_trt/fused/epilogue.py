"""What follows the convolution of a synthesis layer: blur, noise, bias, leaky ReLU, instance norm, style.

In symbols, per image and channel, over P pixels (Karras et al. 2019, section 2 and figure 1):

    y = leaky(blur(x) + noise * noise_weight + bias)        mu, r = mean(y), 1 / sqrt(var(y) + epsilon)
    out = scale * n + shift                                 n = (y - mu) * r

Backward, from g = dL/dout:

    dL/dshift = sum(g)        dL/dscale = sum(g * n)
    dL/dx = blur'(scale * r * (g - dL/dshift / P - n * dL/dscale / P) * (1 where y > 0, else slope))

so y, mu and r are all that has to be kept. Statistics and sums are float32 whatever the activations are.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.models.layers import NORM_EPSILON, blur

Offset = tuple[Tensor, ...]


@dataclass(frozen=True)
class LayerConstants:
    """What a layer does not change.

    Attributes:
        weight: [C, C_in, 3, 3], or the folded [C_in, C, 4, 4] of an upsampling layer; None for layer 0.
        upsamples: which of the two.
        blur_kernel: [1, 1, K, K], K odd, or None.
        slope: of the leaky ReLU below 0; at least 0.
    """

    weight: Tensor | None
    upsamples: bool
    blur_kernel: Tensor | None
    slope: float


class Kept(NamedTuple):
    """What the backward pass needs: `activation` y [N, C, H, W]; `mean` and `inverse` (r), [N, C] float32."""

    activation: Tensor
    mean: Tensor
    inverse: Tensor


class Epilogue(Protocol):
    """One implementation of the formulas above."""

    def offset(self, noise: Tensor, noise_weight: Tensor, bias: Tensor) -> Offset:
        """What is added before the activation, in the form that `forward` wants; the same for every step.

        Args:
            noise: [1 or N, 1, H, W].
            noise_weight, bias: [C].
        """

    def forward(
        self, x: Tensor, offset: Offset, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """Apply it.

        Args:
            x: [N, C, H, W], output of the convolution, channels last; may be overwritten.
            offset: from `offset`.
            scale, shift: [N, C] float32.
            layer: blur and slope.

        Returns:
            `out` [N, C, H, W] and what to keep.
        """

    def backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        """dL/dx [N, C, H, W], dL/dscale and dL/dshift [N, C] float32, from dL/dout [N, C, H, W]."""


class Formula:
    """The formulas as they stand: on any device, and for the compiler."""

    def offset(self, noise: Tensor, noise_weight: Tensor, bias: Tensor) -> Offset:
        """See `Epilogue`."""
        return noise, noise_weight, bias

    def forward(
        self, x: Tensor, offset: Offset, scale: Tensor, shift: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Kept]:
        """See `Epilogue`."""
        noise, noise_weight, bias = offset
        y = F.leaky_relu(blurred(x, layer) + noise * per_channel(noise_weight) + per_channel(bias), layer.slope)
        variance, mean = torch.var_mean(y.float(), dim=(2, 3), correction=0)
        kept = Kept(y, mean, torch.rsqrt(variance + NORM_EPSILON))
        out = _normalise(kept) * _maps(scale) + _maps(shift)
        return out.to(x.dtype), kept

    def backward(
        self, gradient: Tensor, kept: Kept, scale: Tensor, layer: LayerConstants
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Epilogue`."""
        g, n = gradient.float(), _normalise(kept)
        pixels = g.shape[2] * g.shape[3]
        d_shift, d_scale = g.sum(dim=(2, 3)), (g * n).sum(dim=(2, 3))
        d_activation = _maps(scale * kept.inverse) * (g - _maps(d_shift / pixels) - n * _maps(d_scale / pixels))
        dx = torch.where(kept.activation > 0, d_activation, d_activation * layer.slope).to(gradient.dtype)
        return blurred_backward(dx, layer), d_scale, d_shift


def blurred(x: Tensor, layer: LayerConstants) -> Tensor:
    """`x` [N, C, H, W] through the layer's low-pass filter, if it has one."""
    return x if layer.blur_kernel is None else blur(x, layer.blur_kernel)


def blurred_backward(gradient: Tensor, layer: LayerConstants) -> Tensor:
    """The gradient at the input of `blurred`: the same filter, mirrored."""
    return gradient if layer.blur_kernel is None else blur(gradient, layer.blur_kernel.flip(2, 3))


def per_channel(values: Tensor) -> Tensor:
    """[C] as [1, C, 1, 1]."""
    return values.view(1, -1, 1, 1)


def _normalise(kept: Kept) -> Tensor:
    return (kept.activation.float() - _maps(kept.mean)) * _maps(kept.inverse)


def _maps(values: Tensor) -> Tensor:
    """[N, C] as [N, C, 1, 1]."""
    return values.unsqueeze(-1).unsqueeze(-1)
