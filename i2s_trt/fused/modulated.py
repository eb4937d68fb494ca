"""One styled convolution of a StyleGAN2 with frozen weights, as one function that keeps two activations at most.

In symbols, per image, with s the style, d the demodulation and o the offset (noise and bias), both times the gain:

    u = x * s        v = filter(conv(u))        p = v * d + o        y = clamp(leaky(p))

Backward, from g = dL/dy, with g' = g where y > 0, slope * g where y < 0, and 0 where y is at its bound:

    dL/dd = sum(v * g') = (sum(p * g') - sum(o * g')) / d        where p * g' = y * g on both sides of 0
    dL/du = conv'(filter'(d * g'))        dL/ds = sum(x * dL/du)        dL/dx = s * dL/du

so x and y are all that has to be kept, and y is the next layer's x. Sums are float32 whatever the activations are.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.errors import UsageError
from i2s_trt.fused.convolution import convolution_backward
from i2s_trt.models.stylegan2 import SLOPE, filtered, per_image


class Taps(NamedTuple):
    """The filter behind an upsampling convolution.

    Attributes:
        whole: [1, 1, 4, 4] in the activations' precision.
        along: [4] float32, whose outer product it is.
    """

    whole: Tensor
    along: Tensor


@dataclass(frozen=True)
class ModulatedConstants:
    """What a layer does not change.

    Attributes:
        weight: [C, C_in, 3, 3], or [C_in, C, 3, 3] of an upsampling layer.
        taps: of an upsampling layer, else None.
        bound: of the output; None for none.
    """

    weight: Tensor
    taps: Taps | None
    bound: float | None


class Offset(NamedTuple):
    """o, which is the same for every step.

    Attributes:
        whole: [1 or N, C, H, W] in the activations' precision: its sum with a layer is one pass over memory in order.
        noise, bias: its parts [1 or N, H W] and [C], float32.
    """

    whole: Tensor
    noise: Tensor
    bias: Tensor


class Modulation(Protocol):
    """One implementation of what surrounds the convolution; `x`, `y` [N, C, H, W], all others float32."""

    def filtered(self, x: Tensor, taps: Taps) -> Tensor:
        """`x` [N, C, 2H + 1, 2W + 1] through the filter -> [N, C, 2H, 2W]."""

    def filtered_backward(self, gradient: Tensor, taps: Taps) -> Tensor:
        """The gradient at the input of `filtered`."""

    def activate(self, v: Tensor, d: Tensor, o: Offset, bound: float | None) -> Tensor:
        """y [N, C, H, W] of v [N, C, H, W], which may be overwritten, and d [N, C]."""

    def differentiate(
        self, gradient: Tensor, y: Tensor, d: Tensor, o: Offset, bound: float | None
    ) -> tuple[Tensor, Tensor]:
        """dL/dv [N, C, H, W] and dL/dd [N, C]."""

    def modulate_backward(self, du: Tensor, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """dL/dx [N, C, H, W] and dL/ds [N, C] from dL/du."""

    def colours(self, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """`x` through `weights` [N, 3, C], and `bias` [3] -> [N, 3, H, W] float32."""

    def colours_backward(self, gradient: Tensor, x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients [N, C, H, W] and [N, 3, C] at the input and the weights of `colours`."""


class ModulationFormula:
    """The formulas as they stand: on any device, and for the compiler."""

    def filtered(self, x: Tensor, taps: Taps) -> Tensor:
        """See `Modulation`."""
        return filtered(x, taps.whole)

    def filtered_backward(self, gradient: Tensor, taps: Taps) -> Tensor:
        """See `Modulation`."""
        channels = gradient.shape[1]
        weight = taps.whole.to(gradient.dtype).flip(2, 3).expand(channels, -1, -1, -1)
        return F.conv2d(gradient, weight, padding=2, groups=channels)

    def activate(self, v: Tensor, d: Tensor, o: Offset, bound: float | None) -> Tensor:
        """See `Modulation`."""
        y = F.leaky_relu(v * per_image(d, v) + o.whole, SLOPE)
        return y if bound is None else y.clamp(-bound, bound)

    def differentiate(
        self, gradient: Tensor, y: Tensor, d: Tensor, o: Offset, bound: float | None
    ) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        gradient = gradient if bound is None else torch.where(y.abs() < bound, gradient, torch.zeros_like(gradient))
        bent = torch.where(y > 0, gradient, SLOPE * gradient)
        products = (y.float() * gradient.float() - o.whole.float() * bent.float()).sum(dim=(2, 3))
        return bent * per_image(d, bent), products / d

    def modulate_backward(self, du: Tensor, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        return du * per_image(s, du), (du.float() * x.float()).sum(dim=(2, 3))

    def colours(self, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """See `Modulation`."""
        image = torch.baddbmm(bias, _pixels(x).float(), weights.transpose(1, 2))  # [N, H W, 3]
        return image.view(len(x), *x.shape[2:], 3).permute(0, 3, 1, 2)

    def colours_backward(self, gradient: Tensor, x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        rows = _pixels(gradient)  # [N, H W, 3]
        dx = torch.bmm(rows, weights).to(x.dtype).view(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
        return dx, torch.bmm(rows.transpose(1, 2), _pixels(x).float())


def _pixels(x: Tensor) -> Tensor:
    """[N, C, H, W] as [N, H W, C]."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


class NativeModulation(ModulationFormula):
    """PyTorch's own CPU kernels, in place. Images of a batch are computed one by one.

    A batch norm with fixed statistics 0 and 1 is a product with a style, and its backward pass makes the style's
    gradient in the same sweep.
    """

    def activate(self, v: Tensor, d: Tensor, o: Offset, bound: float | None) -> Tensor:
        """See `Modulation`."""
        y = F.leaky_relu(torch.addcmul(o.whole, v, per_image(d, v), out=v), SLOPE, inplace=True)
        return y if bound is None else y.clamp_(-bound, bound)

    def differentiate(
        self, gradient: Tensor, y: Tensor, d: Tensor, o: Offset, bound: float | None
    ) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        if bound is not None:
            gradient = torch.ops.aten.hardtanh_backward(gradient, y, -bound, bound)
        bent = torch.ops.aten.leaky_relu_backward(gradient, y, SLOPE, True)
        _, products = self._swept(gradient, y, None)
        if y.dtype != torch.float32:
            dv, offsets = self._swept(bent, o.whole.expand_as(y), d)
        else:
            offsets = _summed_with_offset(bent, o)
            dv = bent.mul_(per_image(d, bent))
        return dv, (products - offsets) / d

    def modulate_backward(self, du: Tensor, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """See `Modulation`."""
        return self._swept(du, x, s)

    def _swept(self, gradient: Tensor, x: Tensor, scale: Tensor | None) -> tuple[Tensor, Tensor]:
        """`gradient` [N, C, H, W] times `scale` [N, C], and sum(gradient * x) [N, C]; without a scale the sum alone."""
        channels = x.shape[1]
        zero, one = torch.zeros(channels), torch.ones(channels)
        each = [
            torch.ops.aten.native_batch_norm_backward(
                g, own, one if scale is None else scale[i], zero, one, None, None, False, 0.0,
                [scale is not None, True, False],
            )
            for i, (g, own) in enumerate(zip(torch.split(gradient, 1), torch.split(x, 1), strict=True))
        ]  # fmt: skip
        scaled = gradient if scale is None else each[0][0] if len(each) == 1 else torch.cat([dx for dx, _, _ in each])
        return scaled, torch.stack([sums for _, sums, _ in each]).float()


def _summed_with_offset(gradient: Tensor, o: Offset) -> Tensor:
    """sum(o * gradient) [N, C] of [N, C, H, W]: a product with the noise, which channels share, and with ones."""
    rows = gradient.permute(0, 2, 3, 1).flatten(1, 2)  # [N, H W, C]
    parts = torch.stack([o.noise, torch.ones_like(o.noise)], dim=1).expand(len(rows), -1, -1)  # [N, 2, H W]
    with_noise, alone = (parts @ rows).unbind(1)  # [N, C] each
    return with_noise + alone * o.bias


def modulated_layer(
    x: Tensor, s: Tensor, d: Tensor, o: Offset, layer: ModulatedConstants, modulation: Modulation
) -> Tensor:
    """Run a layer.

    Args:
        x: [N, C_in, H, W].
        s: [N, C_in] float32, the style.
        d: [N, C] float32, demodulation times gain.
        o: noise and bias times gain.
        layer: its constants.
        modulation: the implementation to use.

    Returns:
        [N, C, H', W'] in x's dtype, with gradients to `x`, `s` and `d`.

    Raises:
        UsageError: on the way back, when gradients are wanted that can be differentiated again.
    """
    return _ModulatedLayer.apply(x, s, d, o, layer, modulation)  # type: ignore[no-untyped-call, no-any-return]


class _ModulatedLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, s: Tensor, d: Tensor, o: Offset, layer: ModulatedConstants, modulation: Modulation
    ) -> Tensor:
        v = _convolve(x * per_image(s, x), layer, modulation)
        y = modulation.activate(v, d, o, layer.bound)
        ctx.save_for_backward(x, y, s, d)
        ctx.offset, ctx.layer, ctx.modulation = o, layer, modulation
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None, None, None]:
        if torch.is_grad_enabled():  # `once_differentiable` says nothing where dL/dout is constant
            raise UsageError(
                "a fused layer's gradient cannot be differentiated again", "take the method plain, or no create_graph"
            )
        x, y, s, d = ctx.saved_tensors
        dv, dd = ctx.modulation.differentiate(gradients[0], y, d, ctx.offset, ctx.layer.bound)
        dx, ds = ctx.modulation.modulate_backward(_convolve_backward(dv, ctx.layer, ctx.modulation), x, s)
        return dx if ctx.needs_input_grad[0] else None, ds, dd, None, None, None


def _convolve(u: Tensor, layer: ModulatedConstants, modulation: Modulation) -> Tensor:
    if layer.taps is None:
        return F.conv2d(u, layer.weight, padding=1)
    return modulation.filtered(F.conv_transpose2d(u, layer.weight, stride=2), layer.taps)


def _convolve_backward(dv: Tensor, layer: ModulatedConstants, modulation: Modulation) -> Tensor:
    if layer.taps is None:
        return convolution_backward(dv, layer.weight)
    return F.conv2d(modulation.filtered_backward(dv, layer.taps), layer.weight, stride=2)


def to_colours(x: Tensor, weights: Tensor, bias: Tensor, modulation: Modulation) -> Tensor:
    """Convert to RGB.

    Args:
        x: [N, C, H, W].
        weights: [N, 3, C] float32, of each image.
        bias: [3] float32.
        modulation: the implementation to use.

    Returns:
        [N, 3, H, W] float32, with gradients to `x` and `weights`.
    """
    return _Colours.apply(x, weights, bias, modulation)  # type: ignore[no-untyped-call, no-any-return]


class _Colours(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, bias: Tensor, modulation: Modulation) -> Tensor:
        ctx.save_for_backward(x, weights)
        ctx.modulation = modulation
        return modulation.colours(x, weights, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, weights = ctx.saved_tensors
        return *ctx.modulation.colours_backward(gradients[0], x, weights), None, None
