"""The GPU kernels of the layer epilogue, in Triton. `triton_epilogue` launches them; `epilogue` has the formulas.

Maps are [N, P, C] in memory (channels last, P = H W pixels). A program takes a tile of pixels and a block of channels
of one image. Sums over all pixels are made in two stages, tiles and then their partial sums in a fixed order, so that
they are the same each time; variances are merged from tiles' own means (Chan, Golub, LeVeque 1983) and never cancel.
"""

# Triton reads annotations as types of its own, so its functions carry none.
# mypy: disable-error-code="no-untyped-def,untyped-decorator"
# ruff: noqa: ANN001, ANN201, ANN202

import triton
import triton.language as tl


@triton.jit
def _place(height, width, channels, PIXELS: tl.constexpr, BLOCK: tl.constexpr):
    """This program's pixels, channels and image, and which of them exist."""
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(2)
    exists = (pixel < height * width)[:, None] & (channel < channels)[None, :]
    return pixel, channel, image, exists


@triton.jit
def _at(image, pixel, channel, pixels, channels):
    """Offsets [PIXELS, BLOCK] into a map."""
    return (image.to(tl.int64) * pixels + pixel[:, None]) * channels + channel[None, :]


@triton.jit
def activate(
    x, taps, noise, noise_stride, noise_weight, bias, y, means, squares, height, width, channels, slope,
    TAPS: tl.constexpr, PIXELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Blur, noise, bias, leaky ReLU; and of every tile the mean and the sum of squares about it, [N, tiles, C]."""
    pixel, channel, image, exists = _place(height, width, channels, PIXELS, BLOCK)
    pixels = height * width
    if TAPS == 0:
        value = tl.load(x + _at(image, pixel, channel, pixels, channels), exists, 0.0).to(tl.float32)
    else:
        value = tl.zeros([PIXELS, BLOCK], tl.float32)
        for row in tl.static_range(TAPS):
            for column in tl.static_range(TAPS):
                v, u = pixel // width + row - TAPS // 2, pixel % width + column - TAPS // 2
                inside = exists & ((v >= 0) & (v < height) & (u >= 0) & (u < width))[:, None]
                neighbour = tl.load(x + _at(image, v * width + u, channel, pixels, channels), inside, 0.0)
                value += neighbour.to(tl.float32) * tl.load(taps + row * TAPS + column).to(tl.float32)
    one = tl.load(noise + image * noise_stride + pixel, pixel < pixels, 0.0).to(tl.float32)
    value += one[:, None] * tl.load(noise_weight + channel, channel < channels, 0.0).to(tl.float32)[None, :]
    value += tl.load(bias + channel, channel < channels, 0.0).to(tl.float32)[None, :]
    value = tl.where(value > 0, value, value * slope)
    stored = value.to(y.dtype.element_ty)
    tl.store(y + _at(image, pixel, channel, pixels, channels), stored, exists)

    value = tl.where(exists, stored.to(tl.float32), 0.0)
    count = tl.minimum(pixels - tl.program_id(0) * PIXELS, PIXELS)
    mean = tl.sum(value, 0) / count
    centred = tl.where(exists, value - mean[None, :], 0.0)
    partial = (image * tl.num_programs(0) + tl.program_id(0)) * channels + channel
    tl.store(means + partial, mean, channel < channels)
    tl.store(squares + partial, tl.sum(centred * centred, 0), channel < channels)


@triton.jit
def moments(
    means, squares, mean, inverse, tiles, pixels, channels, epsilon,
    PIXELS: tl.constexpr, TILES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Mean and 1 / deviation [N, C] from the partial ones of `activate`."""
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1)
    total = tl.zeros([BLOCK], tl.float32)
    for first in range(0, tiles, TILES):
        tile = first + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & (channel < channels)[None, :]
        count = tl.minimum(pixels - tile * PIXELS, PIXELS).to(tl.float32)[:, None]
        own = tl.load(means + (image * tiles + tile)[:, None] * channels + channel[None, :], exists, 0.0)
        total += tl.sum(tl.where(exists, own * count, 0.0), 0)
    overall = total / pixels
    spread = tl.zeros([BLOCK], tl.float32)
    for first in range(0, tiles, TILES):
        tile = first + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & (channel < channels)[None, :]
        count = tl.minimum(pixels - tile * PIXELS, PIXELS).to(tl.float32)[:, None]
        at = (image * tiles + tile)[:, None] * channels + channel[None, :]
        away = tl.load(means + at, exists, 0.0) - overall[None, :]
        spread += tl.sum(tl.where(exists, tl.load(squares + at, exists, 0.0) + away * away * count, 0.0), 0)
    tl.store(mean + image * channels + channel, overall, channel < channels)
    tl.store(inverse + image * channels + channel, 1 / tl.sqrt(spread / pixels + epsilon), channel < channels)


@triton.jit
def _of_image(values, image, channel, channels):
    """[1, BLOCK] of a table [N, C]."""
    return tl.load(values + image * channels + channel, channel < channels, 0.0)[None, :]


@triton.jit
def modulate(
    y, mean, inverse, scale, shift, out, height, width, channels, PIXELS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """The instance norm and the style."""
    pixel, channel, image, exists = _place(height, width, channels, PIXELS, BLOCK)
    at = _at(image, pixel, channel, height * width, channels)
    value = tl.load(y + at, exists, 0.0).to(tl.float32) - _of_image(mean, image, channel, channels)
    gain = _of_image(inverse, image, channel, channels) * _of_image(scale, image, channel, channels)
    value = value * gain + _of_image(shift, image, channel, channels)
    tl.store(out + at, value.to(out.dtype.element_ty), exists)


@triton.jit
def products(
    gradient, y, mean, inverse, sums, sums_with, height, width, channels, PIXELS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """Of every tile the sum of g and of g times the normalised activation, [N, tiles, C]."""
    pixel, channel, image, exists = _place(height, width, channels, PIXELS, BLOCK)
    at = _at(image, pixel, channel, height * width, channels)
    g = tl.load(gradient + at, exists, 0.0).to(tl.float32)
    value = tl.load(y + at, exists, 0.0).to(tl.float32) - _of_image(mean, image, channel, channels)
    value = value * _of_image(inverse, image, channel, channels)
    partial = (image * tl.num_programs(0) + tl.program_id(0)) * channels + channel
    tl.store(sums + partial, tl.sum(g, 0), channel < channels)
    tl.store(sums_with + partial, tl.sum(g * value, 0), channel < channels)


@triton.jit
def add_up(
    sums, sums_with, d_shift, d_scale, tiles, channels, TILES: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """dL/dshift and dL/dscale [N, C] from the partial sums of `products`."""
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1)
    total = tl.zeros([BLOCK], tl.float32)
    total_with = tl.zeros([BLOCK], tl.float32)
    for first in range(0, tiles, TILES):
        tile = first + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & (channel < channels)[None, :]
        at = (image * tiles + tile)[:, None] * channels + channel[None, :]
        total += tl.sum(tl.load(sums + at, exists, 0.0), 0)
        total_with += tl.sum(tl.load(sums_with + at, exists, 0.0), 0)
    tl.store(d_shift + image * channels + channel, total, channel < channels)
    tl.store(d_scale + image * channels + channel, total_with, channel < channels)


@triton.jit
def differentiate(
    gradient, y, mean, inverse, scale, d_shift, d_scale, taps, dx, height, width, channels, slope,
    TAPS: tl.constexpr, PIXELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """dL/dx: through style, norm, leaky ReLU and, mirrored, the blur."""
    pixel, channel, image, exists = _place(height, width, channels, PIXELS, BLOCK)
    pixels = height * width
    middle = _of_image(mean, image, channel, channels)
    r = _of_image(inverse, image, channel, channels)
    gain = r * _of_image(scale, image, channel, channels)
    constant = _of_image(d_shift, image, channel, channels) / pixels
    factor = _of_image(d_scale, image, channel, channels) / pixels
    result = tl.zeros([PIXELS, BLOCK], tl.float32)
    for tap in tl.static_range(TAPS * TAPS if TAPS > 0 else 1):
        if TAPS == 0:
            at, inside = _at(image, pixel, channel, pixels, channels), exists
        else:
            v, u = pixel // width - tap // TAPS + TAPS // 2, pixel % width - tap % TAPS + TAPS // 2
            inside = exists & ((v >= 0) & (v < height) & (u >= 0) & (u < width))[:, None]
            at = _at(image, v * width + u, channel, pixels, channels)
        g = tl.load(gradient + at, inside, 0.0).to(tl.float32)
        activation = tl.load(y + at, inside, 0.0).to(tl.float32)
        d = gain * (g - constant - (activation - middle) * r * factor)
        d = tl.where(inside, tl.where(activation > 0, d, d * slope), 0.0)
        result += d if TAPS == 0 else d * tl.load(taps + tap).to(tl.float32)
    tl.store(dx + _at(image, pixel, channel, pixels, channels), result.to(dx.dtype.element_ty), exists)
