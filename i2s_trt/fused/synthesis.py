"""A synthesis network with frozen weights, laid out for speed."""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Tensor

from i2s_trt.fused.epilogue import Epilogue
from i2s_trt.fused.stylegan1 import FrozenStyleGan1
from i2s_trt.fused.stylegan2 import FrozenStyleGan2
from i2s_trt.models.stylegan1 import StyleGan1Synthesis
from i2s_trt.models.stylegan2 import StyleGan2Synthesis
from i2s_trt.models.synthesis import Synthesis


class FrozenSynthesis(Protocol):
    """w+ -> images with a gradient to w+ and to nothing else: what `Synthesis` computes, up to rounding."""

    def __call__(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Render.

        Args:
            w_plus: [N, L, D] float32.
            noise: maps [1 or N, 1, H, W] like the stored ones, which are taken when left out.

        Returns:
            Images [N, 3, R, R] float32, channels last.
        """


def freeze_synthesis(synthesis: Synthesis, dtype: torch.dtype, epilogue: Epilogue) -> FrozenSynthesis:
    """Lay a network out.

    Styles, statistics, the layers up to 32 pixels and the images are float32 whatever the precision of the rest.
    Whether a GPU multiplies them exactly or in TF32 is for the caller to set.

    Args:
        synthesis: gives weights, device and architecture.
        dtype: of weights and activations, above 32 pixels.
        epilogue: implementation of what surrounds each convolution.
    """
    if isinstance(synthesis, StyleGan2Synthesis):
        return FrozenStyleGan2(synthesis, dtype, epilogue)
    return FrozenStyleGan1(cast(StyleGan1Synthesis, synthesis), dtype, epilogue)
