"""How frozen weights lie in memory, and in which precision a layer of a size computes."""

import torch
from torch import Tensor

# The coarse layers, on whose few values everything hangs, are what makes gradients in bfloat16 go wrong. In float32
# they take a few per cent more time. On a GPU they multiply in TF32 then (`i2s_trt.arithmetic`), which is
# good enough: emulated on a CPU (tests/embedding/loss/tf32.py, inputs rounded or truncated), the gradient is off by
#                                               bf16 throughout  float32 up to 32  TF32 up to 32
#   shipped model, mean latent                            0.010             0.011   0.012 to 0.018
#   after 100 steps of Adam at 0.05                       0.103             0.036            0.035
#   after 250 steps of the fast schedule                  1.31              0.35    0.22 to 0.27
#   close to a picture of its own                         0.131             0.051   0.058 to 0.059
#   random 64x64 model, 64 channels                       0.077             0.014   0.025 to 0.027
FLOAT32_UP_TO = 32  # pixels a side


def laid_out(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """A frozen copy of a weight [., ., H, W] in a precision, channels last."""
    return weight.detach().to(dtype=dtype, memory_format=torch.channels_last)


def layer_dtype(size: int, dtype: torch.dtype) -> torch.dtype:
    """The precision of a layer of `size` pixels a side, where others have `dtype`."""
    return torch.float32 if size <= FLOAT32_UP_TO else dtype
