"""The two factors around each of a StyleGAN2's convolutions, those of layers with equal shapes at once.

In symbols, with the style s, its largest value m, the energies E of the weights and the gain g:

    r = s / m        d = g / sqrt(r^2 E + epsilon / m^2)

r and d together do not depend on m, which only keeps products within 16 bits; so m has no gradient, and

    dL/ds = (dL/dr - r ((d^3 / g^2 * dL/dd) E')) / m
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from i2s_trt.models.stylegan2 import DEMODULATION_EPSILON


class Demodulation:
    """Styles [N, C_in] of all layers -> (r [N, C_in], d [N, C]) of each, float32; see `models.stylegan2.modulation`.

    Args:
        energies: [C, C_in] of each layer's weights.
        gains: that each layer's activations are multiplied by.
    """

    def __init__(self, energies: Sequence[Tensor], gains: Sequence[float]) -> None:
        layers = zip(energies, gains, strict=True)
        self._groups = [_Group(list(group)) for _, group in groupby(layers, lambda layer: layer[0].shape)]

    def __call__(self, styles: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Compute them."""
        found: list[tuple[Tensor, Tensor]] = []
        for group in self._groups:
            found += group(styles[len(found) : len(found) + group.size])
        return found


class _Group:
    def __init__(self, layers: Sequence[tuple[Tensor, float]]) -> None:
        self.size = len(layers)
        # over the square of the gain: d comes out times the gain
        own = [energy.detach().float().T / gain**2 for energy, gain in layers]
        self._energies = torch.stack(own)  # [K, C_in, C]
        epsilons = [DEMODULATION_EPSILON / gain**2 for _, gain in layers]
        self._epsilons = torch.tensor(epsilons, device=self._energies.device).view(-1, 1, 1)

    def __call__(self, styles: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        relative, d = _Demodulate.apply(torch.stack(tuple(styles)), self._energies, self._epsilons)  # type: ignore[no-untyped-call]
        return list(zip(relative.unbind(0), d.unbind(0), strict=True))


class _Demodulate(torch.autograd.Function):
    """s [K, N, C_in], E [K, C_in, C] and epsilons [K, 1, 1] -> r [K, N, C_in], d [K, N, C]."""

    @staticmethod
    def forward(ctx: Any, styles: Tensor, energies: Tensor, epsilons: Tensor) -> tuple[Tensor, Tensor]:
        largest = styles.abs().amax(dim=2, keepdim=True).clamp_(min=DEMODULATION_EPSILON)
        relative = styles / largest
        d = torch.baddbmm(epsilons / (largest * largest), relative * relative, energies).rsqrt_()
        ctx.save_for_backward(largest, relative, d, energies)
        return relative, d

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        largest, relative, d, energies = ctx.saved_tensors
        d_relative, d_d = gradients
        through = torch.bmm(d_d * d.pow(3), energies.transpose(1, 2))  # [K, N, C_in]
        return torch.addcmul(d_relative, relative, through, value=-1).div_(largest), None, None
