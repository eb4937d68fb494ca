"""How far a picture has another's style, by the Gram matrices of the style loss (section 4.2)."""

from collections.abc import Sequence

import torch

from benchmarks.paper.lab import Lab
from i2s_trt.arrays import Pixels
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.images.fit import to_target


def style_objective(lab: Lab) -> ObjectiveOptions:
    """The style loss on conv4_2 alone."""
    size = lab.settings.perceptual_size
    return ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=1.0, perceptual_size=size)


@torch.no_grad()
def style_distances(lab: Lab, pictures: Sequence[Pixels], style: Pixels) -> list[float]:
    """The style loss of pictures uint8 [H, W, 3] against the picture whose style is wanted."""
    device = lab.generator.mean_w.device
    targets = torch.stack([to_target(style)]).to(device)
    objective = Objective(targets, lab.vgg, style_objective(lab))
    return [float(objective(to_target(picture)[None].to(device))[0, 0]) for picture in pictures]
