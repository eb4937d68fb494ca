"""StyleGAN2's synthesis network with frozen weights, laid out for speed: channels last, in a precision of choice."""

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from i2s_trt.fused.convolution import convolution
from i2s_trt.fused.cpu import Native
from i2s_trt.fused.demodulation import Demodulation
from i2s_trt.fused.epilogue import Epilogue, Formula
from i2s_trt.fused.layout import laid_out, layer_dtype
from i2s_trt.fused.modulated import (
    ModulatedConstants,
    Modulation,
    ModulationFormula,
    NativeModulation,
    Offset,
    Taps,
    modulated_layer,
    to_colours,
)
from i2s_trt.fused.styles import StyleLayer, Styles
from i2s_trt.models.stylegan2 import (
    RESIDUAL_GAIN,
    ModulatedLayer,
    StyleGan2Synthesis,
    ToRgb,
    rgb_blocks,
    upsampled,
)


class FrozenStyleGan2:
    """See `FrozenSynthesis`.

    Args:
        synthesis: gives weights, device and architecture.
        dtype: of weights and activations, above 32 pixels.
        epilogue: says which implementation surrounds the convolutions.
    """

    def __init__(self, synthesis: StyleGan2Synthesis, dtype: torch.dtype, epilogue: Epilogue) -> None:
        self._spec, self._modulation = synthesis.spec, modulation_for(epilogue)
        layers = synthesis.convolutions()
        self._dtypes = [layer_dtype(layer.noise.shape[-1], dtype) for layer in layers]
        self._gains = [layer.gain for layer in layers]
        self._noise_weights = [(layer.noise_weight.detach(), layer.bias.detach()) for layer in layers]
        self._const = laid_out(synthesis.const, self._dtypes[0])
        self._layers = [_freeze(layer, own) for layer, own in zip(layers, self._dtypes, strict=True)]
        self._demodulation = Demodulation([layer.energy for layer in layers], self._gains)
        self._offsets = self._offsets_of([layer.noise for layer in layers])
        blocks = rgb_blocks(synthesis.spec)
        self._to_rgb = {block: _FrozenRgb(synthesis.rgb(block), self._modulation) for block in blocks}
        rgb = [StyleLayer(synthesis.rgb(block).style, 2 * block + 1) for block in blocks]
        self._styles = Styles([*(StyleLayer(layer.style, row) for row, layer in enumerate(layers)), *rgb])
        self._skips = {int(block): cast(nn.Conv2d, one).weight.detach() for block, one in synthesis.skips.items()}
        self._image_taps = synthesis.image_taps.detach().float()

    def __call__(self, w_plus: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """See `FrozenSynthesis`."""
        styles = self._styles(w_plus)
        image: Tensor | None = None
        rgb_styles = dict(zip(self._to_rgb, styles[len(self._layers) :], strict=True))
        for index, x in enumerate(self._activations(w_plus, styles, noise)):
            block, ends_block = divmod(index + 1, 2)
            if not ends_block or block not in self._to_rgb:
                continue
            colours = self._to_rgb[block](x, rgb_styles[block])
            image = colours if image is None else upsampled(image, self._image_taps) + colours
        return cast(Tensor, image)

    def _activations(
        self, w_plus: Tensor, styles: Sequence[Tensor], noise: Sequence[Tensor] | None
    ) -> Iterator[Tensor]:
        offsets = self._offsets if noise is None else self._offsets_of(noise)
        x = self._const.expand(w_plus.shape[0], -1, -1, -1)
        before, factors = x, self._demodulation(styles[: len(self._layers)])
        for i, layer in enumerate(self._layers):
            before = x if i % 2 else before
            x = modulated_layer(x.to(self._dtypes[i]), *factors[i], offsets[i], layer, self._modulation)
            if i and i % 2 == 0 and self._skips:
                x = x + self._skip(before.to(x.dtype), (i + 1) // 2)
            yield x

    def _skip(self, x: Tensor, block: int) -> Tensor:
        weight = laid_out(self._skips[block], x.dtype)
        return upsampled(convolution(x, weight), self._image_taps.to(x.dtype)) * RESIDUAL_GAIN

    def _offsets_of(self, noise: Sequence[Tensor]) -> list[Offset]:
        layers = zip(noise, self._noise_weights, self._gains, self._dtypes, strict=True)
        return [_offset(map_, *weights, gain, dtype) for map_, weights, gain, dtype in layers]


class _FrozenRgb:
    """See `ToRgb`: the style goes into the weights, of which there are three a channel."""

    def __init__(self, rgb: ToRgb, modulation: Modulation) -> None:
        self._weight = rgb.weight.detach().float().flatten(1)  # [3, C]
        self._bias, self._bound, self._modulation = rgb.bias.detach().float(), rgb.bound, modulation

    def __call__(self, x: Tensor, style: Tensor) -> Tensor:
        image = to_colours(x, self._weight * style.unsqueeze(1), self._bias, self._modulation)
        return image if self._bound is None else image.clamp(-self._bound, self._bound)


def _offset(noise: Tensor, weight: Tensor, bias: Tensor, gain: float, dtype: torch.dtype) -> Offset:
    """Noise [1 or N, 1, H, W] and bias [C] times the gain."""
    scaled, own = noise.detach().float() * (weight * gain), bias * gain
    whole = (scaled + own.view(1, -1, 1, 1)).to(dtype).contiguous(memory_format=torch.channels_last)
    return Offset(whole, scaled.flatten(1), own)


def modulation_for(epilogue: Epilogue) -> Modulation:
    """What a StyleGAN2 computes with where a StyleGAN1 has `epilogue`."""
    if isinstance(epilogue, Native):
        return NativeModulation()
    if isinstance(epilogue, Formula):
        return ModulationFormula()
    from i2s_trt.fused.gpu_modulated import TritonModulation

    return TritonModulation()


def _freeze(layer: ModulatedLayer, dtype: torch.dtype) -> ModulatedConstants:
    weight = layer.weight.transpose(0, 1) if layer.upsamples else layer.weight
    taps = None if layer.taps is None else _freeze_taps(layer.taps.detach().float(), dtype)
    return ModulatedConstants(laid_out(weight.contiguous(), dtype), taps, layer.bound)


def _freeze_taps(taps: Tensor, dtype: torch.dtype) -> Taps:
    """`taps` [1, 1, 4, 4] are an outer product: the sums of its rows are one factor, but for the other one's sum."""
    return Taps(taps.to(dtype), taps.sum(dim=3).flatten() / taps.sum().sqrt())
