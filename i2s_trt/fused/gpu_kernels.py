"""The GPU kernels of the layer epilogue, in Triton. `gpu` launches them; `epilogue` has the formulas.

Maps are [N, H, W, C] in memory (channels last). A program takes a block of channels of one image and some columns, and
walks down some rows; a thread holds eight channels of a pixel, one load of 16 bytes where they have 16 bits each. The
blur is taken apart: each row is filtered along itself once, and those of the two rows before are kept. So a map is read
three times out of the nearest cache and once out of memory, with few registers and without a stack.

Sums over all pixels are made in two stages, tiles and then their partial sums in a fixed order, so that they are the
same each time; variances are merged from means (Welford 1962; Chan, Golub, LeVeque 1983) and never cancel.
"""

# Triton reads annotations as types of its own, so its functions carry none.
# mypy: disable-error-code="no-untyped-def,untyped-decorator"
# ruff: noqa: ANN001, ANN201, ANN202

import triton
import triton.language as tl

BLUR_TAPS = 3  # of the only filter they know
# Numbers that are not specialised differ from layer to layer: machine code for each would take long at the first step.


@triton.jit
def _tile(rows, sides, COLUMNS: tl.constexpr, BLOCK: tl.constexpr):
    """This program's first row and the one past its last, and `place`: what locates a row's pixels.

    `sides` are height, width, channels; `place` is columns [COLUMNS], channels [BLOCK] and the sides.
    """
    height, width, channels = sides
    across = tl.cdiv(width, COLUMNS)
    top = (tl.program_id(0) // across) * rows
    column = (tl.program_id(0) % across) * COLUMNS + tl.arange(0, COLUMNS)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    return top, tl.minimum(top + rows, height), (column, channel, height, width, channels)


@triton.jit
def _image(map_, sides):
    """The map of this program's image. Offsets within an image fit 32 bits; those of images need not."""
    height, width, channels = sides
    return map_ + tl.program_id(2).to(tl.int64) * (height * width * channels)


@triton.jit
def _pixels(row, step, place):
    """A row's pixels, `step` columns aside: their offsets in an image and which exist, [COLUMNS, BLOCK]."""
    column, channel, height, width, channels = place
    at = (row * width + column + step)[:, None] * channels + channel[None, :]
    exists = (row >= 0) & (row < height) & (column + step >= 0) & (column + step < width)
    return at, exists[:, None] & (channel < channels)[None, :]


@triton.jit
def _of_channels(values, place):
    """[1, BLOCK] float32 of a table [C]."""
    _, channel, _, _, channels = place
    return tl.load(values + channel, channel < channels, 0.0).to(tl.float32)[None, :]


@triton.jit
def _of_image(values, place):
    """[1, BLOCK] float32 of this image's row in a table [N, C]."""
    _, _, _, _, channels = place
    return _of_channels(values + tl.program_id(2) * channels, place)


@triton.jit
def _store_partials(first, second, totals, others, place):
    """Sums [BLOCK] of this tile into two tables [N, tiles, C]."""
    _, channel, _, _, channels = place
    at = (tl.program_id(2) * tl.num_programs(0) + tl.program_id(0)) * channels + channel
    tl.store(first + at, totals, channel < channels)
    tl.store(second + at, others, channel < channels)


@triton.jit
def _along(taps, TAPS: tl.constexpr):
    """The filter's three weights along one side: its matrix [3, 3] is their outer product, and they add up to 1."""
    if TAPS == 0:
        return 0.0, 1.0, 0.0
    first, middle, last = 0.0, 0.0, 0.0
    for i in tl.static_range(3):
        first += tl.load(taps + i).to(tl.float32)
        middle += tl.load(taps + 3 + i).to(tl.float32)
        last += tl.load(taps + 6 + i).to(tl.float32)
    return first, middle, last


@triton.jit
def _filter(read, sources, row, place, weights, TAPS: tl.constexpr):
    """What `read` makes of a row [COLUMNS, BLOCK], filtered along the row where there is a blur."""
    value = read(sources, row, 0, place)
    if TAPS == 3:
        left, middle, right = weights
        value = left * read(sources, row, -1, place) + middle * value + right * read(sources, row, 1, place)
    return value


@triton.jit
def _convolve(sources, row, step, place):
    """The convolution's output as float32, zeros beyond the border."""
    at, exists = _pixels(row, step, place)
    return tl.load(sources + at, exists, 0.0).to(tl.float32)


@triton.jit(do_not_specialize=["rows", "noise_stride"])
def activate(
    x, taps, noise, noise_stride, noise_weight, bias, y, means, squares, rows, height, width, channels, slope,
    TAPS: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Blur, noise, bias, leaky ReLU; and of every tile the mean and the sum of squares about it, [N, tiles, C]."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    source, target = _image(x, sides), _image(y, sides)
    noises = noise + tl.program_id(2) * noise_stride
    gain, offset = _of_channels(noise_weight, place), _of_channels(bias, place)
    weights = _along(taps, TAPS)
    column = place[0]
    before = tl.zeros([COLUMNS, BLOCK], tl.float32)
    here = tl.zeros([COLUMNS, BLOCK], tl.float32)
    mean = tl.zeros([COLUMNS, BLOCK], tl.float32)  # of each column of the tile, as far as it has been walked
    spread = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for ahead in range(top - TAPS // 2, bottom + TAPS // 2):
        after = _filter(_convolve, source, ahead, place, weights, TAPS)
        value = weights[0] * before + weights[1] * here + weights[2] * after if TAPS == 3 else after
        before, here = here, after
        row = ahead - TAPS // 2
        if row >= top:
            drawn = tl.load(noises + row * width + column, column < width, 0.0).to(tl.float32)
            value += drawn[:, None] * gain + offset
            stored = tl.where(value > 0, value, value * slope).to(y.dtype.element_ty)
            at, exists = _pixels(row, 0, place)
            tl.store(target + at, stored, exists)
            value = stored.to(tl.float32)
            away = value - mean
            mean += away / (row - top + 1)
            spread += away * (value - mean)

    exists = (column < width)[:, None]
    columns = tl.sum((column < width).to(tl.int32), 0)
    overall = tl.sum(tl.where(exists, mean, 0.0), 0) / columns
    apart = mean - overall[None, :]
    squared = tl.sum(tl.where(exists, spread + (bottom - top) * apart * apart, 0.0), 0)
    _store_partials(means, squares, overall, squared, place)


@triton.jit
def _pixels_of(tile, rows, height, width, COLUMNS: tl.constexpr):
    """How many pixels tiles hold, float32."""
    across = tl.cdiv(width, COLUMNS)
    high = tl.minimum(height - (tile // across) * rows, rows)
    return (high * tl.minimum(width - (tile % across) * COLUMNS, COLUMNS)).to(tl.float32)


@triton.jit(do_not_specialize=["rows", "tiles"])
def moments(
    means, squares, mean, inverse, tiles, rows, height, width, channels, epsilon,
    COLUMNS: tl.constexpr, TILES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Mean and 1 / deviation [N, C] from the partial ones of `activate`, about the first tile's mean."""
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1)
    known = channel < channels
    origin = tl.load(means + image * tiles * channels + channel, known, 0.0)
    shifted = tl.zeros([TILES, BLOCK], tl.float32)
    squared = tl.zeros([TILES, BLOCK], tl.float32)
    for begun in range(0, tiles, TILES):
        tile = begun + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & known[None, :]
        at = (image * tiles + tile)[:, None] * channels + channel[None, :]
        count = _pixels_of(tile, rows, height, width, COLUMNS)[:, None]
        away = tl.where(exists, tl.load(means + at, exists, 0.0) - origin[None, :], 0.0)
        shifted += away * count
        squared += tl.load(squares + at, exists, 0.0) + away * away * count
    away = tl.sum(shifted, 0) / (height * width)
    variance = tl.maximum(tl.sum(squared, 0) / (height * width) - away * away, 0.0)
    tl.store(mean + image * channels + channel, origin + away, known)
    tl.store(inverse + image * channels + channel, 1 / tl.sqrt(variance + epsilon), known)


@triton.jit(do_not_specialize=["rows"])
def modulate(
    y, mean, inverse, scale, shift, out, rows, height, width, channels, COLUMNS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """The instance norm and the style."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    source, target = _image(y, sides), _image(out, sides)
    middle, offset = _of_image(mean, place), _of_image(shift, place)
    gain = _of_image(inverse, place) * _of_image(scale, place)
    for row in range(top, bottom):
        at, exists = _pixels(row, 0, place)
        value = tl.load(source + at, exists, 0.0).to(tl.float32)
        tl.store(target + at, ((value - middle) * gain + offset).to(out.dtype.element_ty), exists)


@triton.jit(do_not_specialize=["rows"])
def products(
    gradient, y, mean, inverse, sums, sums_with, rows, height, width, channels,
    COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Sums over each tile of g, and of g times the normalised activation, [N, tiles, C]."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    gradients, activations = _image(gradient, sides), _image(y, sides)
    middle, r = _of_image(mean, place), _of_image(inverse, place)
    total = tl.zeros([COLUMNS, BLOCK], tl.float32)
    total_with = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for row in range(top, bottom):
        at, exists = _pixels(row, 0, place)
        g = tl.load(gradients + at, exists, 0.0).to(tl.float32)
        total += g
        total_with += g * (tl.load(activations + at, exists, 0.0).to(tl.float32) - middle)
    _store_partials(sums, sums_with, tl.sum(total, 0), tl.sum(total_with * r, 0), place)


@triton.jit(do_not_specialize=["tiles"])
def add_up(
    sums, sums_with, d_shift, d_scale, tiles, channels, TILES: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """dL/dshift and dL/dscale [N, C] from the partial sums of `products`."""
    channel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1)
    total = tl.zeros([TILES, BLOCK], tl.float32)
    total_with = tl.zeros([TILES, BLOCK], tl.float32)
    for begun in range(0, tiles, TILES):
        tile = begun + tl.arange(0, TILES)
        exists = (tile < tiles)[:, None] & (channel < channels)[None, :]
        at = (image * tiles + tile)[:, None] * channels + channel[None, :]
        total += tl.load(sums + at, exists, 0.0)
        total_with += tl.load(sums_with + at, exists, 0.0)
    tl.store(d_shift + image * channels + channel, tl.sum(total, 0), channel < channels)
    tl.store(d_scale + image * channels + channel, tl.sum(total_with, 0), channel < channels)


@triton.jit
def _derivative(sources, row, step, place):
    """dL/d(blurred x) as float32, zeros beyond the border."""
    gradients, activations, middle, gain, constant, factor, slope = sources
    at, exists = _pixels(row, step, place)
    g = tl.load(gradients + at, exists, 0.0).to(tl.float32)
    activation = tl.load(activations + at, exists, 0.0).to(tl.float32)
    d = gain * g - constant - (activation - middle) * factor
    return tl.where(exists, tl.where(activation > 0, d, d * slope), 0.0)


@triton.jit(do_not_specialize=["rows"])
def differentiate(
    gradient, y, mean, inverse, scale, d_shift, d_scale, taps, dx, rows, height, width, channels, slope,
    TAPS: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """dL/dx: through style, norm, leaky ReLU and, mirrored, the blur."""
    sides = (height, width, channels)
    top, bottom, place = _tile(rows, sides, COLUMNS, BLOCK)
    target = _image(dx, sides)
    r = _of_image(inverse, place)
    gain = r * _of_image(scale, place)
    constant = gain * _of_image(d_shift, place) / (height * width)
    factor = gain * r * _of_image(d_scale, place) / (height * width)
    sources = (
        _image(gradient, sides), _image(y, sides), _of_image(mean, place), gain, constant, factor, slope,
    )  # fmt: skip
    last, centre, first = _along(taps, TAPS)  # mirrored
    weights = (first, centre, last)
    before = tl.zeros([COLUMNS, BLOCK], tl.float32)
    here = tl.zeros([COLUMNS, BLOCK], tl.float32)
    for ahead in range(top - TAPS // 2, bottom + TAPS // 2):
        after = _filter(_derivative, sources, ahead, place, weights, TAPS)
        value = first * before + centre * here + last * after if TAPS == 3 else after
        before, here = here, after
        row = ahead - TAPS // 2
        if row >= top:
            at, exists = _pixels(row, 0, place)
            tl.store(target + at, value.to(dx.dtype.element_ty), exists)
