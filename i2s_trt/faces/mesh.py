"""What a face looks like close up: MediaPipe's face mesh (Kartynnik et al. 2019), run to a fixed point.

The network sees a turned square around a face and returns 468 points. Their outline gives the next square, and so on
until it stays where it is: whatever the photograph's rotation, scale and position, the network ends up seeing the same.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from i2s_trt.arrays import Array, Pixels, Points

MODEL = Path(__file__).parent.parent / "weights" / "faces" / "face_landmarks.tflite"
SIDE = 192  # pixels that the network sees
_LEFT_EYE = (33, 160, 158, 133, 153, 144)  # the six lid points that dlib has
_RIGHT_EYE = (362, 385, 387, 263, 373, 380)
_MOUTH = (61, 291)
_MARGIN = 1.5  # side of the square by that of the outline
_MOST_PASSES = 12
_STILL = 0.003  # eye distances; the fixed point is reached
_LOST = 0.2  # a score below which it is not worth going on
_JITTER = [(scale, angle) for scale in (0.9, 1.0, 1.1) for angle in (-0.1, 0.0, 0.1)]


@dataclass(frozen=True)
class Region:
    """A turned square; coordinates from the corner of the first pixel.

    Attributes:
        centre: (x, y) in pixels.
        angle: in radians, clockwise.
        side: in pixels.
    """

    centre: Points
    angle: float
    side: float

    @classmethod
    def around(cls, points: Points, angle: float) -> Self:
        """The square around points [N, 2], with a margin."""
        turn = _rotation(angle)
        turned = points @ turn  # by -angle
        low, high = turned.min(axis=0), turned.max(axis=0)
        return cls(turn @ ((low + high) / 2), angle, _MARGIN * float((high - low).max()))


@dataclass(frozen=True)
class MeshFace:
    """A face close up.

    Attributes:
        points: left eye, right eye, mouth corners [4, 2], from the corner of the first pixel.
        score: whether it is a face, 0..1.
        moved: of the last pass, in eye distances.
        region: the fixed point.
    """

    points: Points
    score: float
    moved: float
    region: Region


class FaceMesh:
    """The network."""

    def __init__(self) -> None:
        import cv2

        self._net = cv2.dnn.readNetFromTFLite(str(MODEL))

    def find(self, pixels: Pixels, region: Region) -> MeshFace:
        """The face in a region of a photograph uint8 [H, W, 3], from the fixed point of the network's passes."""
        moved, four = np.inf, np.zeros((4, 2))
        for _ in range(_MOST_PASSES):
            points, score = self._pass(pixels, region)
            before, four = four, four_points(points)
            x, y = four[1] - four[0]
            region = Region.around(points, float(np.arctan2(y, x)))
            moved = float(np.abs(four - before).max() / max(np.hypot(x, y), 1e-6))
            if score < _LOST or moved < _STILL:
                break
        if score >= _LOST:
            four = self._average(pixels, region)
        return MeshFace(four, score, moved, region)

    def _average(self, pixels: Pixels, region: Region) -> Points:
        """Mean of nine slightly different looks, which has a third of the noise; [4, 2]."""
        looks = (Region(region.centre, region.angle + angle, region.side * scale) for scale, angle in _JITTER)
        return np.asarray(np.mean([four_points(self._pass(pixels, look)[0]) for look in looks], axis=0))

    def _pass(self, pixels: Pixels, region: Region) -> tuple[Points, float]:
        """The 468 points [468, 2] in the photograph, and the score 0..1."""
        tile = cut_square(pixels, region).astype(np.float32) / 255
        self._net.setInput(np.ascontiguousarray(tile.transpose(2, 0, 1))[np.newaxis])
        logit, points = self._net.forward(["conv2d_31", "conv2d_21"])
        flat = points.reshape(-1, 3)[:, :2].astype(np.float64) - SIDE / 2
        turned = flat * (region.side / SIDE) @ _rotation(region.angle).T
        return turned + region.centre, float(1 / (1 + np.exp(-np.clip(float(logit.ravel()[0]), -50, 50))))


def four_points(points: Points) -> Points:
    """Middle of the left eye, of the right eye, and the mouth's corners, [4, 2], of 468 points."""
    eyes = [points[list(eye)].mean(axis=0) for eye in (_LEFT_EYE, _RIGHT_EYE)]
    return np.stack([*eyes, *points[list(_MOUTH)]])


def cut_square(pixels: Pixels, region: Region) -> Pixels:
    """What is in a region, upright, uint8 [SIDE, SIDE, 3], without aliasing; edges are repeated."""
    import cv2

    reach = region.side * 0.75  # covers the square at any angle
    low = np.maximum(np.floor(region.centre - reach), 0).astype(int)
    low = np.minimum(low, np.array(pixels.shape[1::-1]) - 1)
    high = np.maximum(np.ceil(region.centre + reach), low + 1).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    factor = max(1, int(region.side / SIDE))
    if factor > 1 and min(part.shape[:2]) >= factor:
        height, width = (side // factor for side in part.shape[:2])
        part = part[: height * factor, : width * factor]
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    else:
        factor = 1
    scale = _rotation(region.angle) * (region.side / SIDE / factor)
    offset = (region.centre - low) / factor - scale @ np.full(2, SIDE / 2)
    matrix = np.hstack([scale, (offset + scale @ np.full(2, 0.5) - 0.5)[:, np.newaxis]])
    return cv2.warpAffine(
        part, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )


def _rotation(angle: float) -> Array:
    """Takes upright vectors to ones turned clockwise by `angle`, [2, 2]."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])
