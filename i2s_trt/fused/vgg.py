"""VGG-16 with frozen weights, laid out for speed: channels last, in a precision of choice."""

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.fused.convolution import convolution
from i2s_trt.fused.layout import laid_out
from i2s_trt.models.vgg import Vgg16
from i2s_trt.models.vgg_layout import CONVOLUTIONS, POOLED_BEFORE, TAPS


class FrozenVgg(Vgg16):
    """What `Vgg16` computes, up to rounding, with a gradient to the images and to nothing else.

    Args:
        vgg: gives weights and device.
        dtype: of weights and activations.
    """

    def __init__(self, vgg: Vgg16, dtype: torch.dtype) -> None:
        super(Vgg16, self).__init__()
        self.source, self._dtype = vgg.source, dtype
        self._weights = {
            index: (laid_out(layer.weight, dtype), cast(Tensor, layer.bias).detach().to(dtype))
            for index, layer in ((index, cast(nn.Conv2d, vgg.features[str(index)])) for index in CONVOLUTIONS)
        }

    def forward(self, images: Tensor, taps: Iterable[str] = TAPS, *, after_relu: bool = True) -> dict[str, Tensor]:
        """See `Vgg16.forward`; the features are in this network's precision."""
        wanted = set(taps)
        found: dict[str, Tensor] = {}
        x = images.to(dtype=self._dtype, memory_format=torch.channels_last)
        for index, (name, _, _) in CONVOLUTIONS.items():
            if len(found) == len(wanted):
                break
            x = F.max_pool2d(x, 2) if index in POOLED_BEFORE else x
            x = convolution(x, *self._weights[index])
            activated = F.relu(x, inplace=after_relu or name not in wanted)
            if name in wanted:
                found[name] = activated if after_relu else x
            x = activated
        return found
