"""The affine layers that make styles of w+, those of equal width in one product."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class StyleLayer:
    """One affine layer: `affine` [C, D] of row `row` of w+."""

    affine: nn.Linear
    row: int

    @property
    def width(self) -> int:
        """C."""
        return self.affine.out_features


class Styles:
    """w_plus [N, L, D] -> a style [N, C] float32 of every layer, in the layers' order.

    Args:
        layers: of the network; those of equal width are best neighbours.
    """

    def __init__(self, layers: Sequence[StyleLayer]) -> None:
        self._groups = [_Group(list(group)) for _, group in groupby(layers, lambda layer: layer.width)]

    def __call__(self, w_plus: Tensor) -> list[Tensor]:
        """Compute them."""
        rows = w_plus.transpose(0, 1)  # [L, N, D]
        return [style for group in self._groups for style in group(rows)]


class _Group:
    def __init__(self, layers: Sequence[StyleLayer]) -> None:
        self._weight = torch.stack([one.affine.weight.detach() for one in layers]).transpose(1, 2).contiguous()
        self._bias = torch.stack([one.affine.bias.detach() for one in layers]).unsqueeze(1)
        # on the device: an index that is copied there cannot be captured in a CUDA graph
        self._rows = torch.tensor([one.row for one in layers], device=self._weight.device)

    def __call__(self, rows: Tensor) -> tuple[Tensor, ...]:
        own = rows.index_select(0, self._rows)  # [K, N, D]
        return torch.baddbmm(self._bias, own, self._weight).unbind(0)  # [K, N, D] [K, D, C] -> K of [N, C]
