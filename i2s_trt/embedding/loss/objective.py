"""The loss of the embedding: Eq. 1, with the perceptual term of Eq. 2 and the style term of section 4.2."""

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.fused.mean_square import mean_square
from i2s_trt.models.vgg import Vgg16

MeanSquare = Callable[[Tensor, Tensor], Tensor]
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
# width of the pixel range and whether ImageNet's mean and deviation are taken out, by input scale
PIXEL_RANGE = {"mean-255": 255.0, "normalized": 1.0, "unit": 1.0, "signed": 2.0}
_SMALLEST = 8  # pixels, of which conv4_2 sees one


class Objective(nn.Module):
    """Loss terms of rendered pictures against fixed targets, whose features are computed once.

    Args:
        targets: [N, 3, H, W] in [-1, 1].
        vgg: the feature network.
        options: weights and scales.
        style_targets: [N, 3, H, W], the pictures whose style is wanted; `targets` when left out.
        square: the mean square of a difference, [N] of two [N, C, H, W].
    """

    shift: Tensor
    gain: Tensor

    def __init__(
        self,
        targets: Tensor,
        vgg: Vgg16,
        options: ObjectiveOptions,
        style_targets: Tensor | None = None,
        square: MeanSquare = mean_square,
    ) -> None:
        super().__init__()
        self._square = square
        self.options = options
        self.vgg = vgg
        self.targets = targets
        gain, shift = input_scale(options)
        self.register_buffer("gain", gain.to(targets.device), persistent=False)
        self.register_buffer("shift", shift.to(targets.device), persistent=False)
        self.layers = tuple(name for name in options.terms if name.startswith("conv"))
        with torch.no_grad():
            self.features = self._features(targets, self.layers)
            self.gram = self._style_gram(targets if style_targets is None else style_targets)

    @torch.no_grad()
    def renew(self, targets: Tensor, style_targets: Tensor) -> None:
        """Compare with other targets from now on: their features take the places of the former ones'."""
        self.targets.copy_(targets)
        for name, feature in self._features(self.targets, self.layers).items():
            self.features[name].copy_(feature)
        if self.gram is not None:
            self.gram.copy_(cast(Tensor, self._style_gram(style_targets)))

    @torch.no_grad()
    def take(self, other: "Objective") -> None:
        """Compare with the targets of another objective of the same options from now on."""
        self.targets.copy_(other.targets)
        for name, feature in other.features.items():
            self.features[name].copy_(feature)
        if self.gram is not None and other.gram is not None:
            self.gram.copy_(other.gram)

    @property
    def pixel_scale(self) -> float:
        """What a pixel of [-1, 1] is multiplied by for the pixel term."""
        return PIXEL_RANGE[self.options.input_scale] / 2

    def forward(self, images: Tensor) -> Tensor:
        """Loss terms of each image.

        Args:
            images: pictures [N, 3, H, W], nominally in [-1, 1].

        Returns:
            [N, T] float32: the total (Eq. 1), then each term of the pictures that is on, unweighted.
        """
        options = self.options
        values: list[Tensor] = []
        total = images.new_zeros(images.shape[0], dtype=torch.float32)
        if options.pixel_weight:
            pixel = self._square(images, self.targets) * self.pixel_scale**2  # [N]
            values.append(pixel)
            total = total + options.pixel_weight * pixel  # Eq. 1, second term
        layers = (*self.layers, *((options.style_layer,) if options.style_weight else ()))
        features = self._features(images, layers) if layers else {}
        for name in self.layers:
            term = self._square(features[name], self.features[name])  # [N]
            values.append(term)
            total = total + options.layer_weights[name] * term  # Eq. 2
        if self.gram is not None:
            style = mean_square(_gram(features[options.style_layer]), self.gram)  # [N]
            values.append(style)
            total = total + options.style_weight * style
        return torch.stack([total, *values], dim=1)

    def layer_features(self, images: Tensor) -> dict[str, Tensor]:
        """The features of Eq. 2 of images [N, 3, H, W], by layer."""
        return self._features(images, self.layers)

    def _features(self, images: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        if not layers:
            return {}
        scaled = perceptual_size(images, self.options) * self.gain.to(images.dtype) + self.shift.to(images.dtype)
        return self.vgg(scaled, layers, after_relu=self.options.after_relu)  # type: ignore[no-any-return]

    def _style_gram(self, images: Tensor) -> Tensor | None:
        if not self.options.style_weight:
            return None
        return _gram(self._features(images, (self.options.style_layer,))[self.options.style_layer])


def perceptual_size(images: Tensor, options: ObjectiveOptions) -> Tensor:
    """Images [N, 3, H, W] at the size at which VGG looks, [N, 3, h, w]: never enlarged, but to 8 pixels."""
    height, width = images.shape[-2:]
    longest = max(height, width)
    scale = min(1.0, options.perceptual_size / longest) if options.perceptual_size else 1.0
    size = tuple(max(_SMALLEST, round(side * scale)) for side in (height, width))
    if size == (height, width):
        return images
    if options.resize == "area":
        factor = longest // max(size)
        whole = (size[0] * factor, size[1] * factor) == (height, width)
        return F.avg_pool2d(images, factor) if whole else F.interpolate(images, size=size, mode="area")
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False)


def input_scale(options: ObjectiveOptions) -> tuple[Tensor, Tensor]:
    """Gain and shift [1, 3, 1, 1] that take [-1, 1] to the range in which VGG sees images."""
    mean, deviation = torch.tensor(_IMAGENET_MEAN), torch.tensor(_IMAGENET_DEVIATION)
    half = torch.full((3,), 0.5)
    gain, shift = {
        "mean-255": (255 * half, 255 * (half - mean)),
        "normalized": (half / deviation, (half - mean) / deviation),
        "unit": (half, half),
        "signed": (2 * half, 0 * half),
    }[options.input_scale]
    return gain.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)


def _gram(features: Tensor) -> Tensor:
    """Gram matrices [N, C, C] of features [N, C, H, W], divided by their number of pixels (Gatys et al. 2016)."""
    rows = features.float().flatten(2)  # [N, C, H W]
    return rows @ rows.transpose(1, 2) / rows.shape[2]
