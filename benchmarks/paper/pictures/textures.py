"""Textures by rule: marble and weave."""

import numpy as np

from benchmarks.paper.pictures.sketch import Sketch
from i2s_trt.arrays import Pixels


def draw_marble(seed: int, size: int) -> Pixels:
    """Dark veins in a pale stone, uint8 [size, size, 3]."""
    random = np.random.default_rng([seed, 3])
    y, x = np.mgrid[0:512, 0:512] / 512
    wander = sum(_clouds(random, cells) / cells for cells in (4, 8, 16, 32)) * 6.0
    veins = np.abs(np.sin(5 * x + 3 * y + wander)) ** 0.6
    sketch = Sketch((0.95, 0.93, 0.90), (0.90, 0.88, 0.90))
    sketch.shade(0.35 + 0.65 * veins)
    return sketch.picture(size)


def draw_weave(seed: int, size: int) -> Pixels:
    """Threads over and under each other, uint8 [size, size, 3]."""
    random = np.random.default_rng([seed, 4])
    count = 14
    sketch = Sketch((0.10, 0.08, 0.08))
    warp, weft = 0.25 + 0.55 * random.random((2, 3))
    for row in range(count):
        for column in range(count):
            x, y = (column + 0.5) / count, (row + 0.5) / count
            across = (row + column) % 2 == 0
            radii = (0.56 / count, 0.36 / count) if across else (0.36 / count, 0.56 / count)
            shade = (weft if across else warp) * (0.85 + 0.3 * random.random())
            sketch.ellipse((x, y), radii, tuple(shade))
    return sketch.picture(size)


def _clouds(random: np.random.Generator, cells: int) -> Pixels:
    """Smooth noise [512, 512] with `cells` hills a side."""
    import cv2

    coarse = random.standard_normal((cells + 1, cells + 1)).astype(np.float32)
    return cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_CUBIC)
