"""Where an aligned face has its features, and faces without them."""

from dataclasses import dataclass

import numpy as np

from i2s_trt.arrays import Pixels

_GREY = 128


@dataclass(frozen=True)
class Region:
    """A box in shares of height and width."""

    top: float
    bottom: float
    left: float
    right: float

    def slices(self, picture: Pixels) -> tuple[slice, slice]:
        """Rows and columns of a picture [H, W, ...]."""
        height, width = picture.shape[:2]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return rows, slice(round(self.left * width), round(self.right * width))


# FFHQ's alignment puts the eyes at 0.47 and the mouth at about 0.69 of the height
EYES = Region(0.38, 0.55, 0.24, 0.76)
NOSE = Region(0.55, 0.63, 0.40, 0.60)
MOUTH = Region(0.63, 0.78, 0.32, 0.68)
FEATURES = {"eyes": EYES, "nose": NOSE, "mouth": MOUTH}
DEFECTS = {
    "no eyes": ("eyes",),
    "no nose": ("nose",),
    "no mouth": ("mouth",),
    "no eyes, no mouth": ("eyes", "mouth"),
    "no eyes, nose, mouth": ("eyes", "nose", "mouth"),
}


def removed(picture: Pixels, features: tuple[str, ...]) -> Pixels:
    """A copy with grey boxes in place of features."""
    damaged = picture.copy()
    for name in features:
        damaged[FEATURES[name].slices(picture)] = _GREY
    return damaged


def restored(picture: Pixels, original: Pixels, features: tuple[str, ...]) -> Pixels:
    """A copy with the boxes of features taken from another picture."""
    restored_picture = picture.copy()
    for name in features:
        box = FEATURES[name].slices(picture)
        restored_picture[box] = original[box]
    return restored_picture


def difference(first: Pixels, second: Pixels, feature: str) -> float:
    """Root mean square difference within a feature's box, on the scale 0..255."""
    box = FEATURES[feature].slices(first)
    return float(np.sqrt(np.mean(np.square(first[box].astype(np.float64) - second[box]))))
