"""The least that a step can cost: floating-point operations and memory traffic, counted from the model's description.

Traffic is that of perfect fusion: every convolution reads its input once and writes its output once, and the instance
norm's statistics cost one more read of the output. Operations are those of the published architecture: from 128x128
upwards a fused upsampling convolution of 4x4 taps, below it nearest-neighbour upsampling before 3x3 taps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg_layout import CONVOLUTIONS, POOLED_BEFORE, TAPS

_FUSED_FROM = 128
_BLUR_TAPS, _FILTER_TAPS = 9, 16
_FEATURE_SIZE = 256


@dataclass(frozen=True)
class LayerCost:
    """What one pass through one layer costs, for one image.

    Attributes:
        flops: a multiplication and an addition count two.
        elements: activations read and written.
        weights: parameters read, once a batch.
    """

    flops: float
    elements: float
    weights: float = 0.0


@dataclass(frozen=True)
class Work:
    """The passes of some computation."""

    layers: tuple[LayerCost, ...]

    @property
    def gigaflops(self) -> float:
        """10^9 operations for one image."""
        return sum(layer.flops for layer in self.layers) / 1e9

    def gigabytes(self, size: int, batch: int = 1) -> float:
        """10^9 bytes to and from memory for a batch, with activations and weights of `size` bytes."""
        return sum(layer.elements * batch + layer.weights for layer in self.layers) * size / 1e9

    def floor(self, rates: "Rates", size: int, batch: int = 1) -> float:
        """Milliseconds for a batch: the sum over the layers of what takes longer, computing or moving."""
        return sum(self._layer_floor(layer, rates, size, batch) for layer in self.layers)

    @staticmethod
    def _layer_floor(layer: LayerCost, rates: "Rates", size: int, batch: int) -> float:
        computing = layer.flops * batch / (rates.gigaflops * 1e9)
        moving = (layer.elements * batch + layer.weights) * size / (rates.gigabytes * 1e9)
        return max(computing, moving) * 1e3


@dataclass(frozen=True)
class Rates:
    """What a machine can do in a second: 10^9 operations in matrices, 10^9 bytes copied (read and written)."""

    gigaflops: float
    gigabytes: float


def synthesis_work(spec: GeneratorSpec) -> Work:
    """w+ -> picture."""
    return Work(tuple(_synthesis_forward(spec)))


def step_work(spec: GeneratorSpec) -> Work:
    """One step of the embedding: synthesis, VGG-16 to conv4_2 at no more than 256 pixels, and back to w+."""
    size = min(spec.resolution, _FEATURE_SIZE)
    passes = (_synthesis_forward(spec), _synthesis_backward(spec), _features(size), _loss(spec.resolution, size))
    return Work(tuple(chain.from_iterable(passes)))


@dataclass(frozen=True)
class _Layer:
    """A synthesis layer: channels, elements in and out, operations of its convolution and of everything."""

    index: int
    into: int
    out: int
    multiplications: int
    weights: int

    @property
    def has_convolution(self) -> bool:
        return self.index > 0


def _layers(spec: GeneratorSpec) -> Iterator[_Layer]:
    if spec.is_stylegan2:
        yield from _modulated_layers(spec)
        return
    for index in range(spec.num_layers):
        channels, side = spec.layer_channels(index), spec.layer_resolution(index)
        out = channels * side**2
        if index == 0:
            yield _Layer(0, 0, out, 0, 0)
            continue
        inputs = spec.layer_channels(index - 1)
        upsamples = index % 2 == 0
        fused = upsamples and side >= _FUSED_FROM
        taps = 16 if fused else 9
        pixels = (side // 2) ** 2 if fused else side**2
        blur = _BLUR_TAPS * out if upsamples and spec.blur_taps else 0
        into = inputs * (side // 2 if upsamples else side) ** 2
        yield _Layer(index, into, out, pixels * inputs * channels * taps + blur, inputs * channels * taps)


def _modulated_layers(spec: GeneratorSpec) -> Iterator[_Layer]:
    """A StyleGAN2's: 3x3 taps on the pixels before the upsampling, and a filter of 4x4 after it."""
    for index in range(spec.num_layers - 1):
        channels, side = spec.layer_channels(index), spec.layer_resolution(index)
        inputs, upsamples = spec.layer_channels(max(index - 1, 0)), index % 2 == 1
        pixels = (side // 2 if upsamples else side) ** 2
        out = channels * side**2
        filtered = _FILTER_TAPS * out if upsamples else 0
        weights = 9 * inputs * channels
        yield _Layer(index, inputs * pixels, out, pixels * weights + filtered, weights)


def _synthesis_forward(spec: GeneratorSpec) -> Iterator[LayerCost]:
    for layer in _layers(spec):
        style = 2 * spec.w_dim * spec.layer_channels(layer.index)
        # the norm's statistics are a second pass over the output; a StyleGAN2 has none
        moved = layer.into + (1 if spec.is_stylegan2 else 2) * layer.out
        yield LayerCost(2.0 * (layer.multiplications + style), moved, layer.weights + style)
    yield from _to_rgb(spec)


def _synthesis_backward(spec: GeneratorSpec) -> Iterator[LayerCost]:
    """The backward pass to w+ alone, without weight gradients; gradient and activation are read twice."""
    yield from _to_rgb(spec)
    for layer in _layers(spec):
        style = 2 * spec.w_dim * spec.layer_channels(layer.index)
        moved = layer.into + (3 if spec.is_stylegan2 else 4) * layer.out
        yield LayerCost(2.0 * (layer.multiplications + style), moved, layer.weights + style)


def _to_rgb(spec: GeneratorSpec) -> Iterator[LayerCost]:
    """The conversions to RGB: of the last resolution, or of every one."""
    summed = spec.is_stylegan2 and spec.topology == "skip"
    for block, channels in enumerate(spec.channels):
        if summed or block == len(spec.channels) - 1:
            pixels = (4 * 2**block) ** 2
            yield LayerCost(2.0 * 3 * channels * pixels, (channels + 3) * pixels, 3.0 * channels)


def _features(size: int) -> Iterator[LayerCost]:
    """VGG-16 forward and backward to its input."""
    side = size
    for index, (name, inputs, outputs) in CONVOLUTIONS.items():
        side = side // 2 if index in POOLED_BEFORE else side
        into, out, weights = inputs * side**2, outputs * side**2, 9 * inputs * outputs
        flops = 2.0 * weights * side**2
        compared = 2 * out if name in TAPS else 0
        yield LayerCost(flops, into + out, weights)
        yield LayerCost(flops, 2 * out + into + compared, weights)


def _loss(resolution: int, size: int) -> Sequence[LayerCost]:
    """The pixel error and the reduction to VGG's size, forward and backward."""
    pixels = 3 * resolution**2
    resize = pixels + 3 * size**2 if size < resolution else 0
    return LayerCost(0.0, 2 * pixels + resize), LayerCost(0.0, 3 * pixels + resize)
