"""StyleGAN2's forward pass, literally: runtime weight scaling, a kernel for each image, filtering by definition.

It takes raw tensors under stylegan2-ada-pytorch's names, and shares nothing with the project's networks.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Recipe2:
    """A small random StyleGAN2."""

    channels: tuple[int, ...] = (7, 6, 5)
    z_dim: int = 12
    w_dim: int = 10
    mapping_layers: int = 2
    mapping_rate: float = 0.01
    topology: str = "skip"
    labels: int = 0
    label_kind: str = "embed"  # normalised by itself; `concat` is TensorFlow's first form
    label_width: int = 12  # PyTorch's original takes w_dim if not told otherwise
    normalized: bool = True  # whether z is; TensorFlow's can be trained without
    taps: tuple[float, ...] = (1, 3, 3, 1)
    clamp: float | None = None
    seed: int = 1

    @property
    def resolution(self) -> int:
        """Pixels a side."""
        return int(2 ** (len(self.channels) + 1))

    @property
    def rows(self) -> int:
        """L."""
        return 2 * len(self.channels)


def raw_state(recipe: Recipe2) -> dict[str, Tensor]:
    """Raw tensors by stylegan2-ada-pytorch's names."""
    random = torch.Generator().manual_seed(recipe.seed)

    def draw(*shape: int, deviation: float = 1.0) -> Tensor:
        return torch.randn(shape, generator=random) * deviation

    state = {"mapping.w_avg": draw(recipe.w_dim)}
    width = recipe.z_dim + (recipe.label_width if recipe.labels else 0)
    if recipe.labels:
        state["mapping.embed.weight"] = draw(recipe.label_width, recipe.labels)
        if recipe.label_kind == "embed":
            state["mapping.embed.bias"] = draw(recipe.label_width, deviation=0.3)
    for i in range(recipe.mapping_layers):
        state[f"mapping.fc{i}.weight"] = draw(recipe.w_dim, width, deviation=1 / recipe.mapping_rate)
        state[f"mapping.fc{i}.bias"] = draw(recipe.w_dim, deviation=0.1 / recipe.mapping_rate)
        width = recipe.w_dim
    before = recipe.channels[0]
    for block, channels in enumerate(recipe.channels):
        size, prefix = 4 * 2**block, f"synthesis.b{4 * 2**block}"
        if block == 0:
            state[f"{prefix}.const"] = draw(channels, 4, 4)
        for part in ("conv1",) if block == 0 else ("conv0", "conv1"):
            inputs = before if part == "conv0" else channels
            state |= {
                f"{prefix}.{part}.weight": draw(channels, inputs, 3, 3),
                f"{prefix}.{part}.noise_strength": draw(deviation=0.3),
                f"{prefix}.{part}.bias": draw(channels, deviation=0.3),
                f"{prefix}.{part}.noise_const": draw(size, size),
                f"{prefix}.{part}.affine.weight": draw(inputs, recipe.w_dim),
                f"{prefix}.{part}.affine.bias": 1 + draw(inputs, deviation=0.3),
            }
        if recipe.topology == "skip" or block == len(recipe.channels) - 1:
            state |= {
                f"{prefix}.torgb.weight": draw(3, channels, 1, 1),
                f"{prefix}.torgb.bias": draw(3, deviation=0.3),
                f"{prefix}.torgb.affine.weight": draw(channels, recipe.w_dim),
                f"{prefix}.torgb.affine.bias": 1 + draw(channels, deviation=0.3),
            }
        if recipe.topology == "resnet" and block:
            state[f"{prefix}.skip.weight"] = draw(channels, before, 1, 1)
        before = channels
    return state


class LiteralStyleGan2:
    """The networks of a recipe."""

    def __init__(self, recipe: Recipe2, state: Mapping[str, Tensor]) -> None:
        self.recipe, self.state = recipe, state
        row = torch.tensor(recipe.taps, dtype=torch.float32)
        self.filter = torch.outer(row, row) / row.sum() ** 2

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """w [N, D]."""
        x, state, rate = z, self.state, self.recipe.mapping_rate
        if self.recipe.labels:
            assert labels is not None
            if self.recipe.label_kind == "embed":
                weight = state["mapping.embed.weight"] / math.sqrt(self.recipe.labels)
                x = torch.cat([self._start(z), _unit(labels @ weight.T + state["mapping.embed.bias"])], dim=1)
            else:
                x = self._start(torch.cat([z, labels @ state["mapping.embed.weight"].T], dim=1))
        else:
            x = self._start(z)
        for i in range(self.recipe.mapping_layers):
            weight = state[f"mapping.fc{i}.weight"] * (rate / math.sqrt(x.shape[1]))
            x = F.leaky_relu(x @ weight.T + state[f"mapping.fc{i}.bias"] * rate, 0.2) * math.sqrt(2)
        return x

    def _start(self, z: Tensor) -> Tensor:
        return _unit(z) if self.recipe.normalized else z

    def synthesis(self, ws: Tensor) -> Tensor:
        """Images [N, 3, R, R]."""
        x = self.state["synthesis.b4.const"].expand(len(ws), -1, -1, -1)
        image, row = None, 0
        for block in range(len(self.recipe.channels)):
            prefix, before = f"synthesis.b{4 * 2**block}", x
            residual = self.recipe.topology == "resnet" and block > 0
            if block:
                x = self._layer(f"{prefix}.conv0", x, ws[:, row], up=True)
                row += 1
            x = self._layer(f"{prefix}.conv1", x, ws[:, row], gain=math.sqrt(0.5) if residual else 1.0)
            row += 1
            if residual:
                weight = self.state[f"{prefix}.skip.weight"]
                y = F.conv2d(before, weight / math.sqrt(weight.shape[1]))
                x = x + self._upsample(y) * math.sqrt(0.5)
            if image is not None and self.recipe.topology == "skip":
                image = self._upsample(image)
            if f"{prefix}.torgb.weight" in self.state:
                colours = self._to_rgb(f"{prefix}.torgb", x, ws[:, row])
                image = colours if image is None else image + colours
        assert image is not None
        return image

    def _layer(self, name: str, x: Tensor, w: Tensor, *, up: bool = False, gain: float = 1.0) -> Tensor:
        weight, style = self.state[f"{name}.weight"], self._style(name, w)
        kernels = weight.unsqueeze(0) * style.view(len(w), 1, -1, 1, 1)
        kernels = kernels * torch.rsqrt(kernels.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
        outs = []
        for one, kernel in zip(x, kernels, strict=True):
            if up:
                y = F.conv_transpose2d(one[None], kernel.transpose(0, 1), stride=2)
                outs.append(self._filter(F.pad(y, (1, 1, 1, 1)), 4.0))
            else:
                outs.append(F.conv2d(one[None], kernel, padding=1))
        noise = self.state[f"{name}.noise_const"] * self.state[f"{name}.noise_strength"]
        y = torch.cat(outs) + noise + self.state[f"{name}.bias"].view(1, -1, 1, 1)
        return self._clamp(F.leaky_relu(y, 0.2) * (math.sqrt(2) * gain), gain)

    def _to_rgb(self, name: str, x: Tensor, w: Tensor) -> Tensor:
        weight = self.state[f"{name}.weight"]
        style = self._style(name, w) / math.sqrt(weight.shape[1])
        image = torch.cat([F.conv2d(one[None], weight * s.view(1, -1, 1, 1)) for one, s in zip(x, style, strict=True)])
        return self._clamp(image + self.state[f"{name}.bias"].view(1, -1, 1, 1), 1.0)

    def _style(self, name: str, w: Tensor) -> Tensor:
        weight = self.state[f"{name}.affine.weight"] / math.sqrt(self.recipe.w_dim)
        return w @ weight.T + self.state[f"{name}.affine.bias"]

    def _clamp(self, x: Tensor, gain: float) -> Tensor:
        bound = self.recipe.clamp
        return x if bound is None else x.clamp(-bound * gain, bound * gain)

    def _upsample(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        spread = torch.zeros(count, channels, 2 * height, 2 * width)
        spread[:, :, ::2, ::2] = x
        return self._filter(F.pad(spread, (2, 1, 2, 1)), 4.0)

    def _filter(self, x: Tensor, gain: float) -> Tensor:
        kernel = (self.filter * gain).flip(0, 1)[None, None]
        return torch.stack([F.conv2d(plane.unsqueeze(1), kernel).squeeze(1) for plane in x])


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
