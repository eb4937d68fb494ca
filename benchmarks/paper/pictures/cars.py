"""Cars drawn from the side: a class without any likeness to faces."""

from dataclasses import dataclass

import numpy as np

from benchmarks.paper.pictures.sketch import Colour, Sketch, mixed
from i2s_trt.arrays import Pixels

_BODIES: tuple[Colour, ...] = (
    (0.72, 0.10, 0.10), (0.12, 0.30, 0.62), (0.90, 0.74, 0.16), (0.82, 0.83, 0.85), (0.10, 0.42, 0.26),
)  # fmt: skip
_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((0.45, 0.66, 0.90), (0.86, 0.92, 0.97)), ((0.95, 0.70, 0.45), (0.99, 0.90, 0.74)),
    ((0.60, 0.63, 0.68), (0.80, 0.82, 0.84)), ((0.14, 0.18, 0.34), (0.46, 0.44, 0.58)),
)  # fmt: skip
_GLASS: Colour = (0.16, 0.22, 0.28)
_BLACK: Colour = (0.06, 0.06, 0.07)
_WHITE: Colour = (1.0, 1.0, 1.0)
_SILL = 0.66  # lower edge of the body


@dataclass(frozen=True)
class _Shape:
    """Proportions of one car, as shares of the picture."""

    front: float
    rear: float
    bonnet: float
    belt: float
    roof: float
    cabin: tuple[float, float, float, float]  # foot and top of the windscreen, top and foot of the rear window
    wheel: float


def draw_car(seed: int, size: int) -> Pixels:
    """One car, uint8 [size, size, 3]; the same seed draws the same car."""
    random = np.random.default_rng([seed, 1])
    body = _BODIES[seed % len(_BODIES)]
    sketch = Sketch(*_SKIES[seed % len(_SKIES)])
    _draw_street(sketch, random)
    shape = _choose_shape(random)
    _draw_body(sketch, shape, body)
    _draw_windows(sketch, shape)
    for x in (shape.front + 0.17, shape.rear - 0.16):
        _draw_wheel(sketch, x, shape.wheel)
    _draw_lights(sketch, shape)
    return sketch.picture(size)


def _choose_shape(random: np.random.Generator) -> _Shape:
    front, rear = 0.08 + 0.04 * random.random(), 0.90 + 0.04 * random.random()
    roof = 0.34 + 0.08 * random.random()
    foot = 0.30 + 0.06 * random.random()
    top = foot + 0.10 + 0.03 * random.random()
    back = 0.66 + 0.10 * random.random()
    end = min(back + 0.05 + 0.10 * random.random(), rear - 0.02)
    return _Shape(front, rear, 0.52 + 0.02 * random.random(), 0.50, roof, (foot, top, back, end), 0.085)


def _draw_street(sketch: Sketch, random: np.random.Generator) -> None:
    hills = 0.50 + 0.05 * random.standard_normal(6)
    green = mixed((0.25, 0.42, 0.22), (0.55, 0.50, 0.30), float(random.random()))
    skyline = [(i / 5, float(y)) for i, y in enumerate(hills)]
    sketch.polygon([(0, 1), *skyline, (1, 1)], green)
    sketch.polygon([(0, 0.64), (1, 0.64), (1, 1), (0, 1)], (0.34, 0.34, 0.36))
    for x in np.arange(-0.05, 1.0, 0.25):
        sketch.polygon([(x, 0.88), (x + 0.12, 0.88), (x + 0.10, 0.91), (x - 0.03, 0.91)], (0.85, 0.85, 0.80))
    sketch.ellipse((0.5, 0.745), (0.44, 0.03), (0.18, 0.18, 0.20))


def _draw_body(sketch: Sketch, shape: _Shape, body: Colour) -> None:
    foot, top, back, end = shape.cabin
    dark, light = mixed(body, _BLACK, 0.45), mixed(body, _WHITE, 0.35)
    outline = [
        (shape.front, _SILL), (shape.front, shape.bonnet + 0.04), (shape.front + 0.04, shape.bonnet),
        (foot, shape.belt), (top, shape.roof), (back, shape.roof), (end, shape.belt),
        (shape.rear - 0.02, shape.belt + 0.02), (shape.rear, shape.belt + 0.08), (shape.rear, _SILL),
    ]  # fmt: skip
    sketch.polygon([(x, y + 0.035) for x, y in outline], dark)
    sketch.polygon(outline, body)
    sketch.line([(shape.front + 0.05, shape.bonnet + 0.03), (shape.rear - 0.04, shape.belt + 0.045)], 0.010, light)
    for x in (foot + 0.02, (foot + end) / 2, end - 0.01):
        sketch.line([(x, shape.belt), (x, _SILL - 0.01)], 0.004, dark)


def _draw_windows(sketch: Sketch, shape: _Shape) -> None:
    foot, top, back, end = shape.cabin
    roof, belt, middle = shape.roof + 0.022, shape.belt - 0.005, (shape.cabin[0] + shape.cabin[3]) / 2
    front = [(foot + 0.035, belt), (top + 0.012, roof), (middle - 0.01, roof), (middle - 0.01, belt)]
    sketch.polygon(front, _GLASS)
    sketch.polygon([(middle + 0.01, belt), (middle + 0.01, roof), (back - 0.012, roof), (end - 0.04, belt)], _GLASS)
    sketch.polygon([(top + 0.03, roof), (top + 0.06, roof), (top, belt), (top - 0.03, belt)], (0.42, 0.50, 0.58))


def _draw_wheel(sketch: Sketch, x: float, radius: float) -> None:
    y = _SILL + 0.025
    for scale, colour in ((1.15, _BLACK), (1.0, (0.12, 0.12, 0.13)), (0.62, (0.70, 0.71, 0.73)), (0.15, _BLACK)):
        sketch.ellipse((x, y), (radius * scale, radius * scale), colour)
    for angle in np.arange(5) * 2 * np.pi / 5:
        rim = (x + 0.55 * radius * float(np.cos(angle)), y + 0.55 * radius * float(np.sin(angle)))
        sketch.line([(x, y), rim], 0.010, (0.40, 0.41, 0.43))


def _draw_lights(sketch: Sketch, shape: _Shape) -> None:
    sketch.ellipse((shape.front + 0.02, shape.bonnet + 0.055), (0.018, 0.024), (1.0, 0.96, 0.78))
    sketch.polygon(
        [(shape.rear - 0.02, 0.565), (shape.rear, 0.57), (shape.rear, 0.62), (shape.rear - 0.02, 0.61)],
        (0.75, 0.08, 0.08),
    )
