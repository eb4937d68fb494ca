"""The GPU kernels around a StyleGAN2's convolutions, in Triton; `modulated` has the formulas.

Maps lie and are divided among programs as in `gpu_kernels`. Each map is read once and written once; sums over all
pixels are made of tiles' partial sums in a fixed order.
"""

# Triton reads annotations as types of its own, so its functions carry none.
# mypy: disable-error-code="no-untyped-def,untyped-decorator"
# ruff: noqa: ANN001, ANN201, ANN202

import triton
import triton.language as tl

from i2s_trt.fused.gpu_kernels import _image, _of_channels, _of_image, _pixels, _tile

_SLOPE = tl.constexpr(0.2)


@triton.jit
def _added(noises, bias, row, place):
    """The offset of a row's pixels [COLUMNS, BLOCK]: its noise, and each channel's bias [1, BLOCK]."""
    column, _, _, width, _ = place
    return tl.load(noises + row * width + column, column < width, 0.0)[:, None] + bias


@triton.jit
def _store_partial(sums, totals, place):
    """A sum [BLOCK] of this tile into a table [N, tiles, C]."""
    _, channel, _, _, channels = place
    at = (tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)) * channels + channel
    tl.store(sums + at, totals, channel < channels)


@triton.jit
def _row_filtered(source, row, place, first, second, third, last, PADDING: tl.constexpr):
    """A row [COLUMNS, BLOCK] float32, filtered along itself."""
    total = tl.zeros([place[0].shape[0], place[1].shape[0]], tl.float32)
    for step in tl.static_range(4):
        weight = first if step == 0 else second if step == 1 else third if step == 2 else last
        at, exists = _pixels(row, step - PADDING, place)
        total += weight * tl.load(source + at, exists, 0.0).to(tl.float32)
    return total


@triton.jit(do_not_specialize=["rows"])
def filter_modulated(
    x, taps, y, rows, height, width, channels,
    BACKWARD: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The filter behind an upsampling convolution; `taps` [4] along one side, `height` and `width` of y.

    x has one row and column more; on the way back, with the filter turned round, one less.
    """
    PADDING: tl.constexpr = 2 if BACKWARD else 1
    sides, more = (height, width, channels), 3 - 2 * PADDING
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    own = (place[0], place[1], height + more, width + more, channels)
    source, target = _image(x, (height + more, width + more, channels)), _image(y, sides)
    first, second, third, last = tl.load(taps), tl.load(taps + 1), tl.load(taps + 2), tl.load(taps + 3)
    if BACKWARD:
        first, second, third, last = last, third, second, first
    far = tl.zeros([COLUMNS, BLOCK], tl.float32)  # the three rows before the one that is read, each filtered
    near = tl.zeros([COLUMNS, BLOCK], tl.float32)
    here = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for ahead in range(top - PADDING, bottom - PADDING + 3):
        after = _row_filtered(source, ahead, own, first, second, third, last, PADDING)
        row = ahead + PADDING - 3
        if row >= top:
            at, exists = _pixels(row, 0, place)
            value = first * far + second * near + third * here + last * after
            tl.store(target + at, value.to(y.dtype.element_ty), exists)
        far, near, here = near, here, after


@triton.jit(do_not_specialize=["rows", "noise_stride"])
def activate_modulated(
    v, d, noise, noise_stride, bias, y, rows, height, width, channels, bound,
    BOUNDED: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Demodulation, noise, bias, leaky ReLU and bound."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    source, target = _image(v, sides), _image(y, sides)
    noises = noise + tl.program_id(2) * noise_stride
    gain, own = _of_image(d, place), _of_channels(bias, place)
    for row in range(top, bottom):
        at, exists = _pixels(row, 0, place)
        value = tl.load(source + at, exists, 0.0).to(tl.float32) * gain + _added(noises, own, row, place)
        value = tl.where(value > 0, value, value * _SLOPE)
        if BOUNDED:
            value = tl.minimum(tl.maximum(value, -bound), bound)
        tl.store(target + at, value.to(y.dtype.element_ty), exists)


@triton.jit(do_not_specialize=["rows", "noise_stride"])
def differentiate_modulated(
    gradient, y, d, noise, noise_stride, bias, dv, sums, rows, height, width, channels, bound,
    BOUNDED: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """dL/dv; and over each tile the sum of y g - o g', which is d dL/dd, [N, tiles, C]."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    gradients, activations, target = _image(gradient, sides), _image(y, sides), _image(dv, sides)
    noises = noise + tl.program_id(2) * noise_stride
    gain, own = _of_image(d, place), _of_channels(bias, place)
    total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for row in range(top, bottom):
        at, exists = _pixels(row, 0, place)
        g = tl.load(gradients + at, exists, 0.0).to(tl.float32)
        activation = tl.load(activations + at, exists, 0.0).to(tl.float32)
        if BOUNDED:
            g = tl.where(tl.abs(activation) < bound, g, 0.0)
        bent = tl.where(activation > 0, g, g * _SLOPE)
        total += activation * g - _added(noises, own, row, place) * bent
        tl.store(target + at, (bent * gain).to(dv.dtype.element_ty), exists)
    _store_partial(sums, tl.sum(total, 0), place)


@triton.jit(do_not_specialize=["rows"])
def modulate_backward(
    du, x, s, dx, sums, rows, height, width, channels, COLUMNS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """dL/dx; and over each tile the sum of x dL/du, [N, tiles, C]."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    gradients, inputs, target = _image(du, sides), _image(x, sides), _image(dx, sides)
    gain = _of_image(s, place)
    total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for row in range(top, bottom):
        at, exists = _pixels(row, 0, place)
        g = tl.load(gradients + at, exists, 0.0).to(tl.float32)
        total += g * tl.load(inputs + at, exists, 0.0).to(tl.float32)
        tl.store(target + at, (g * gain).to(dx.dtype.element_ty), exists)
    _store_partial(sums, tl.sum(total, 0), place)


@triton.jit(do_not_specialize=["tiles"])
def add_up_modulated(sums, out, tiles, channels, TILES: tl.constexpr, BLOCK: tl.constexpr):
    """[N, C] from the partial sums of a table [N, tiles, C]."""
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1)
    total = tl.zeros([TILES, BLOCK], tl.float32)
    for begun in range(0, tiles, TILES):
        tile = begun + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & (channel < channels)[None, :]
        total += tl.load(sums + (image * tiles + tile)[:, None] * channels + channel[None, :], exists, 0.0)
    tl.store(out + image * channels + channel, tl.sum(total, 0), channel < channels)


@triton.jit
def _weights_of(weights, colour, channel, channels):
    """[1, BLOCK] of this image's row in a table [N, 3, C]."""
    at = (tl.program_id(2) * 3 + colour) * channels + channel
    return tl.load(weights + at, channel < channels, 0.0)[None, :]


@triton.jit(do_not_specialize=["rows"])
def colours(
    x, weights, bias, image, rows, height, width, channels, COLUMNS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """The conversion to RGB, [N, H, W, 3] float32. A program takes all channels, block by block."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    column, channel, _, _, _ = place
    source, target = _image(x, sides), _image(image, (height, width, 3))
    red_bias, green_bias, blue_bias = tl.load(bias), tl.load(bias + 1), tl.load(bias + 2)
    for row in range(top, bottom):
        red = tl.zeros([COLUMNS], tl.float32)
        green = tl.zeros([COLUMNS], tl.float32)
        blue = tl.zeros([COLUMNS], tl.float32)
        for begun in range(0, channels, BLOCK):
            own = channel + begun
            at, exists = _pixels(row, 0, (column, own, height, width, channels))
            value = tl.load(source + at, exists, 0.0).to(tl.float32)
            red += tl.sum(value * _weights_of(weights, 0, own, channels), 1)
            green += tl.sum(value * _weights_of(weights, 1, own, channels), 1)
            blue += tl.sum(value * _weights_of(weights, 2, own, channels), 1)
        pixel, exists = (row * width + column) * 3, column < width
        tl.store(target + pixel, red + red_bias, exists)
        tl.store(target + pixel + 1, green + green_bias, exists)
        tl.store(target + pixel + 2, blue + blue_bias, exists)


@triton.jit(do_not_specialize=["rows"])
def colours_backward(
    gradient, x, weights, dx, sums, rows, height, width, channels, COLUMNS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """dL/dx; and over each tile the sum of x dL/dcolour, [N, tiles, 3, C]."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    column, channel, _, _, _ = place
    gradients, inputs, target = _image(gradient, (height, width, 3)), _image(x, sides), _image(dx, sides)
    to_red = _weights_of(weights, 0, channel, channels)
    to_green = _weights_of(weights, 1, channel, channels)
    to_blue = _weights_of(weights, 2, channel, channels)
    red_total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    green_total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    blue_total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for row in range(top, bottom):
        pixel, there = (row * width + column) * 3, column < width
        red = tl.load(gradients + pixel, there, 0.0)[:, None]
        green = tl.load(gradients + pixel + 1, there, 0.0)[:, None]
        blue = tl.load(gradients + pixel + 2, there, 0.0)[:, None]
        at, exists = _pixels(row, 0, place)
        value = tl.load(inputs + at, exists, 0.0).to(tl.float32)
        red_total += value * red
        green_total += value * green
        blue_total += value * blue
        through = red * to_red + green * to_green + blue * to_blue
        tl.store(target + at, through.to(dx.dtype.element_ty), exists)
    table = sums + (tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)) * 3 * channels + channel
    tl.store(table, tl.sum(red_total, 0), channel < channels)
    tl.store(table + channels, tl.sum(green_total, 0), channel < channels)
    tl.store(table + 2 * channels, tl.sum(blue_total, 0), channel < channels)
