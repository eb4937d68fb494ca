"""The number formats of a run: of its networks, and how fp16's narrow range is kept."""

import torch
from torch import Tensor

from i2s_trt.arithmetic import Precision

# Features trained on ImageNet pass on gradients thousands of times as large as the pictures'. On an embedded astronaut
# fp16 overflows above a quarter of the ideal scale, and with the style loss, whose gradient grows with the features,
# still at 2^-8 of it; the gradient of Eq. 1 is as exact down to 2^-18.
_HEADROOM = 2.0**-14
_FORMATS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def activation_dtype(precision: Precision) -> torch.dtype:
    """The dtype of weights and activations of both networks."""
    return _FORMATS[precision]


def loss_scale(totals: Tensor, values: int) -> Tensor:
    """Powers of two [N] by which to multiply losses [N], so that their gradients stay within fp16's range.

    A mean of squares over `values` numbers has gradients of about sqrt(loss) / values: far below 6e-8, where fp16 ends,
    or beyond 65504 where few pixels have a large loss. They come to about 2^-14: layers on their way enlarge them.
    """
    ideal = _HEADROOM * values / totals.detach().clamp(min=1e-12).sqrt()
    return torch.exp2(torch.log2(ideal).round().clamp(-30, 30))
