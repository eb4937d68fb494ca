"""What training of the face generator minimises: pixels, edges, coarse colour and features, eyes and mouth most."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.embedding.loss.objective import input_scale
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.vgg import imagenet_vgg16

EYES_WEIGHT, MOUTH_WEIGHT = 4.0, 5.0
FEATURE_LAYERS = ("conv1_1", "conv1_2", "conv3_2")


def region_weights(size: int, eyes: float = EYES_WEIGHT, mouth: float = MOUTH_WEIGHT) -> Tensor:
    """Weights [1, 1, size, size]: features that edits move are small, and L1 alone would neglect them."""
    axis = (torch.arange(size) + 0.5) / size * 2.0 - 1.0
    y, x = axis.view(-1, 1), axis.view(1, -1)
    weights = torch.ones(size, size)
    weights[(y > -0.36) & (y < 0.12) & (x.abs() < 0.52)] = eyes
    weights[(y > 0.22) & (y < 0.66) & (x.abs() < 0.42)] = mouth
    return weights.view(1, 1, size, size)


def portrait_loss(images: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 of pixels + 0.5 L1 of gradients + 0.5 L1 of 2x2 and 4x4 means; all [N, 3, R, R] in [-1, 1]."""
    total = weights.mean()
    loss = ((images - targets).abs() * weights).mean() / total
    error = images - targets
    across = (error[..., :, 1:] - error[..., :, :-1]).abs() * weights[..., :, 1:]
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * weights[..., 1:, :]
    loss = loss + 0.5 * (across.mean() + down.mean()) / total
    for window in (2, 4):
        loss = loss + 0.5 * F.avg_pool2d(error, window).abs().mean()
    return loss


def pair_loss(images: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 between the change that an expression makes in `images` and the one it makes in `targets`.

    Rows 2i and 2i + 1 of both, [2N, 3, R, R], are one face with two expressions. What is wrong with the face in both
    cancels: this sees the edit alone.
    """
    error = images - targets
    return ((error[0::2] - error[1::2]).abs() * weights).mean() / weights.mean()


class FeatureLoss:
    """How far features of trained VGG-16 are apart: what L1 blurs, strands and stripes, counts there.

    It looks at one window of a batch, `window` pixels a side at the images' full resolution, until
    `look_elsewhere` moves it: features see edges that a smaller picture has lost, and cost as little. Layers are those
    of Eq. 2 up to conv3_2, whose term is three quarters of Eq. 1; conv4_2 would cost half as much again.
    """

    def __init__(self, window: int, seed: int, device: torch.device | str = "cpu") -> None:
        self.window = window
        self._vgg = imagenet_vgg16().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._gain, self._shift = (part.to(device) for part in input_scale(ObjectiveOptions()))
        self._random = torch.Generator().manual_seed(seed)
        self._corner = torch.zeros(2, dtype=torch.long, device=device)  # stays where it is: a CUDA graph reads it

    def look_elsewhere(self, size: int) -> None:
        """Move the window at random over images `size` pixels a side."""
        free = max(size - self.window, 0) + 1
        self._corner.copy_(torch.randint(0, free, (2,), generator=self._random))

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Mean over layers of the L1 between features, relative to the targets'; both [N, 3, R, R] in [-1, 1]."""
        with torch.no_grad():
            wanted = self._features(self._crop(targets))
        found = self._features(self._crop(images))
        apart = [(found[tap] - wanted[tap]).abs().mean() / wanted[tap].mean().clamp(min=1e-3) for tap in wanted]
        return torch.stack(apart).mean()

    def _crop(self, images: Tensor) -> Tensor:
        along = torch.arange(min(self.window, images.shape[-1]), device=images.device)
        top, left = self._corner.unbind()
        return images.index_select(2, top + along).index_select(3, left + along)

    def _features(self, images: Tensor) -> dict[str, Tensor]:
        scaled = images * self._gain + self._shift
        return self._vgg(scaled.contiguous(memory_format=torch.channels_last), FEATURE_LAYERS)  # type: ignore[no-any-return]
