"""Forward passes of pSp's, e4e's and ReStyle's encoders, literally, on raw tensors under the originals' names.

They share nothing with the project's networks: plain functions, weights scaled at run time, rows looked at one by one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class EncoderRecipe:
    """A small random encoder."""

    rows: int
    w_dim: int
    kind: str = "Encoder4Editing"
    channels: tuple[int, int, int, int] = (16, 17, 18, 19)
    seed: int = 5

    @property
    def is_restyle(self) -> bool:
        """Whether it looks at six channels."""
        return "Backbone" in self.kind


def raw_encoder(recipe: EncoderRecipe) -> dict[str, Tensor]:
    """Random tensors of the originals' names and shapes, in magnitudes that keep a signal through 24 units."""
    random = torch.Generator().manual_seed(recipe.seed)
    state: dict[str, Tensor] = {}

    def convolution(name: str, outputs: int, inputs: int, size: int, *, bias: bool = False) -> None:
        state[f"{name}.weight"] = torch.randn(outputs, inputs, size, size, generator=random) / (inputs * size**2) ** 0.5
        if bias:
            state[f"{name}.bias"] = 0.1 * torch.randn(outputs, generator=random)

    def norm(name: str, channels: int) -> None:
        for leaf, mean in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0)):
            state[f"{name}.{leaf}"] = mean + 0.1 * torch.randn(channels, generator=random)
        state[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=random)
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    stem = recipe.channels[0]
    convolution("input_layer.0", stem, 6 if recipe.is_restyle else 3, 3)
    norm("input_layer.1", stem)
    state["input_layer.2.weight"] = torch.rand(stem, generator=random)
    inputs, unit = stem, 0
    for count, outputs in zip((3, 4, 14, 3), recipe.channels, strict=True):
        for _ in range(count):
            name = f"body.{unit}"
            if inputs != outputs:
                convolution(f"{name}.shortcut_layer.0", outputs, inputs, 1)
                norm(f"{name}.shortcut_layer.1", outputs)
            norm(f"{name}.res_layer.0", inputs)
            convolution(f"{name}.res_layer.1", outputs, inputs, 3)
            state[f"{name}.res_layer.2.weight"] = torch.rand(outputs, generator=random)
            convolution(f"{name}.res_layer.3", outputs, outputs, 3)
            norm(f"{name}.res_layer.4", outputs)
            convolution(f"{name}.res_layer.5.fc1", outputs // 16, outputs, 1)
            convolution(f"{name}.res_layer.5.fc2", outputs, outputs // 16, 1)
            inputs, unit = outputs, unit + 1
    for row in range(recipe.rows):
        halvings = 4 if recipe.is_restyle or row < 3 else 5 if row < 7 else 6
        for number in range(halvings):
            convolution(
                f"styles.{row}.convs.{2 * number}", recipe.w_dim, recipe.w_dim if number else inputs, 3, bias=True
            )
        state[f"styles.{row}.linear.weight"] = torch.randn(recipe.w_dim, recipe.w_dim, generator=random)
        state[f"styles.{row}.linear.bias"] = 0.1 * torch.randn(recipe.w_dim, generator=random)
    if not recipe.is_restyle:
        convolution("latlayer1", inputs, recipe.channels[2], 1, bias=True)
        convolution("latlayer2", inputs, recipe.channels[1], 1, bias=True)
    return state


def encode(recipe: EncoderRecipe, state: State, images: Tensor) -> Tensor:
    """One look at images [N, 3 or 6, h, 256]: what is added to the latent before, [N, L, D]."""
    x = F.conv2d(images, state["input_layer.0.weight"], padding=1)
    x = F.prelu(_norm(x, state, "input_layer.1"), state["input_layer.2.weight"])
    kept = {}
    for unit in range(24):
        x = _unit(x, state, f"body.{unit}", 2 if unit in (0, 3, 7, 21) else 1)
        kept[unit] = x
    c1, c2, c3 = kept[6], kept[20], kept[23]
    rows = [_head(c3, state, 0)]
    features = c3
    for row in range(1, recipe.rows):
        if row == 3 and not recipe.is_restyle:
            features = _grown(features, F.conv2d(c2, state["latlayer1.weight"], state["latlayer1.bias"]))
        if row == 7 and not recipe.is_restyle:
            features = _grown(features, F.conv2d(c1, state["latlayer2.weight"], state["latlayer2.bias"]))
        rows.append(_head(features, state, row))
    if recipe.kind in ("Encoder4Editing", "ProgressiveBackboneEncoder"):
        rows = [rows[0]] + [rows[0] + delta for delta in rows[1:]]
    return torch.stack(rows, dim=1)


def encode_again_and_again(
    recipe: EncoderRecipe, state: State, images: Tensor, mean: Tensor, render: Callable[[Tensor], Tensor], rounds: int
) -> Tensor:
    """ReStyle's loop; `render` gives images of the encoder's size."""
    latent = mean.unsqueeze(0).repeat(len(images), 1, 1)
    shown = render(latent)
    for _ in range(rounds):
        latent = encode(recipe, state, torch.cat([images, shown], dim=1)) + latent
        shown = render(latent)
    return latent


def _norm(x: Tensor, state: State, name: str) -> Tensor:
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scaled = (x - mean[None, :, None, None]) / torch.sqrt(variance + 1e-5)[None, :, None, None]
    return scaled * state[f"{name}.weight"][None, :, None, None] + state[f"{name}.bias"][None, :, None, None]


def _unit(x: Tensor, state: State, name: str, stride: int) -> Tensor:
    short = x[:, :, ::stride, ::stride]
    if f"{name}.shortcut_layer.0.weight" in state:
        short = _norm(F.conv2d(short, state[f"{name}.shortcut_layer.0.weight"]), state, f"{name}.shortcut_layer.1")
    y = F.conv2d(_norm(x, state, f"{name}.res_layer.0"), state[f"{name}.res_layer.1.weight"], padding=1)
    y = F.prelu(y, state[f"{name}.res_layer.2.weight"])
    y = F.conv2d(y, state[f"{name}.res_layer.3.weight"], stride=stride, padding=1)
    y = _norm(y, state, f"{name}.res_layer.4")
    squeezed = F.adaptive_avg_pool2d(y, 1)
    squeezed = F.relu(F.conv2d(squeezed, state[f"{name}.res_layer.5.fc1.weight"]))
    return y * torch.sigmoid(F.conv2d(squeezed, state[f"{name}.res_layer.5.fc2.weight"])) + short


def _head(x: Tensor, state: State, row: int) -> Tensor:
    number = 0
    while (name := f"styles.{row}.convs.{2 * number}.weight") in state:
        x = F.leaky_relu(F.conv2d(x, state[name], state[name.replace("weight", "bias")], stride=2, padding=1), 0.01)
        number += 1
    weight, bias = state[f"styles.{row}.linear.weight"], state[f"styles.{row}.linear.bias"]
    return F.linear(x.reshape(len(x), -1), weight / weight.shape[1] ** 0.5, bias)


def _grown(x: Tensor, onto: Tensor) -> Tensor:
    return F.interpolate(x, size=onto.shape[2:], mode="bilinear", align_corners=True) + onto
