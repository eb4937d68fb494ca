"""The mapping network: z -> w."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, cat, nn

from i2s_trt.errors import ModelError
from i2s_trt.models.layers import pixel_norm
from i2s_trt.models.spec import GeneratorSpec


class Mapping(nn.Module):
    """Dense layers with leaky ReLU after each (Karras et al. 2019, section 2).

    StyleGAN2 multiplies each layer's output by the square root of 2. Leaky ReLU being homogeneous, that is part of the
    effective weights.
    """

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.label = None
        if spec.label_size:
            self.label = nn.Linear(spec.label_size, spec.label_features, bias=spec.normalize_label)
        widths = (spec.z_dim + spec.label_features, *spec.mapping_widths)
        self.dense = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents.

        Args:
            z: [N, Z] float32, standard normal.
            labels: [N, label_size] one-hot, for conditional models only; zeros when left out.

        Returns:
            w [N, D], or [N, L, D] from a layer-wise mapping.

        Raises:
            ModelError: labels were given to an unconditional model.
        """
        by_itself = self.label is None or self.spec.normalize_label  # z is normalised before a label joins it
        x = pixel_norm(z) if self.spec.normalize_z and by_itself else z
        if self.label is not None:
            labels = z.new_zeros(z.shape[0], self.spec.label_size) if labels is None else labels
            embedded = self.label(labels)
            x = cat([x, pixel_norm(embedded) if self.spec.normalize_label else embedded], dim=1)  # [N, Z + E]
        elif labels is not None:
            raise ModelError("this model takes no labels: it is unconditional")
        if self.spec.normalize_z and not by_itself:
            x = pixel_norm(x)
        for dense in self.dense:
            x = F.leaky_relu(dense(x), self.spec.negative_slope)  # [N, width]
        return x.view(z.shape[0], self.spec.num_layers, self.spec.w_dim) if self.spec.layerwise_mapping else x
