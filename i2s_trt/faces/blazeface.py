"""Where faces might be: BlazeFace (Bazarevsky et al. 2019) over windows of a photograph, in four orientations."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2s_trt.arrays import Pixels, Points

MODEL = Path(__file__).parent.parent / "weights" / "faces" / "face_detection.tflite"
SIDE = 128  # pixels that the network sees
_GRIDS = ((16, 2), (8, 6))  # cells a side, anchors a cell
_LEAST_SCORE = 0.4


@dataclass(frozen=True)
class Proposal:
    """A place to look at more closely; pixel coordinates from the corner of the first pixel.

    Attributes:
        score: 0..1.
        centre: (x, y).
        side: of the square around eyes, nose and mouth, in pixels.
        eyes: left and right one, [2, 2].
    """

    score: float
    centre: Points
    side: float
    eyes: Points

    @property
    def angle(self) -> float:
        """Angle of the line through the eyes, in radians, clockwise."""
        x, y = self.eyes[1] - self.eyes[0]
        return float(np.arctan2(y, x))


class BlazeFace:
    """The network; made when it is first needed, since it takes a moment to load."""

    def __init__(self) -> None:
        import cv2

        self._net = cv2.dnn.readNetFromTFLite(str(MODEL))
        self._anchors = np.concatenate([_anchors(cells, count) for cells, count in _GRIDS])

    def propose(self, pixels: Pixels, window: float, turns: int) -> list[Proposal]:
        """Look at all windows of a photograph, which overlap by half.

        Args:
            pixels: uint8 [H, W, 3].
            window: their side in pixels of the photograph.
            turns: quarter turns to the left by which each is turned before the network sees it.

        Returns:
            The surest first.
        """
        import cv2

        factor = SIDE / window
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        scaled = cv2.resize(pixels, _scaled_size(pixels, factor), interpolation=method)
        found = [
            Proposal(score, (corner + centre) / factor, side / factor, (corner + eyes) / factor)
            for corner, tile in _tiles(scaled)
            for score, centre, side, eyes in self._look(tile, turns)
        ]
        return sorted(found, key=lambda proposal: -proposal.score)

    def _look(self, tile: Pixels, turns: int) -> Iterator[tuple[float, Points, float, Points]]:
        """Score, centre, side and eyes of what is in a tile, in its pixels."""
        seen = np.rot90(tile, turns).astype(np.float32) / 127.5 - 1
        self._net.setInput(np.ascontiguousarray(seen.transpose(2, 0, 1))[np.newaxis])
        logits, boxes = self._net.forward(["classificators", "regressors"])
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -50, 50)))
        for i in np.flatnonzero(scores > _LEAST_SCORE):
            box = boxes[0, i].astype(np.float64)
            points = self._anchors[i] * SIDE + np.stack([box[:2], box[4:6], box[6:8]])
            centre, *eyes = _turn_back(points, turns)
            yield float(scores[i]), centre, float(box[2:4].max()), np.stack(eyes)


def _anchors(cells: int, count: int) -> Points:
    """The middles of a grid's cells, each `count` times, [cells * cells * count, 2] in 0..1."""
    y, x = np.mgrid[:cells, :cells]
    middles = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
    return middles.repeat(count, axis=0)


def _scaled_size(pixels: Pixels, factor: float) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return max(1, round(width * factor)), max(1, round(height * factor))


def _tiles(pixels: Pixels) -> Iterator[tuple[Pixels, Points]]:
    """Corner (x, y) and pixels [SIDE, SIDE, 3] of windows half a side apart; black beyond the picture."""
    height, width = pixels.shape[:2]
    step = SIDE // 2
    for top in range(0, max(height - step, 1), step):
        for left in range(0, max(width - step, 1), step):
            part = pixels[top : top + SIDE, left : left + SIDE]
            tile = np.zeros((SIDE, SIDE, 3), np.uint8)
            tile[: part.shape[0], : part.shape[1]] = part
            yield np.array([left, top], np.float64), tile


def _turn_back(points: Points, turns: int) -> Points:
    """Points [N, 2] of a tile that was turned `turns` quarters to the left, in the tile as it was."""
    middle = SIDE / 2
    points = points - middle
    for _ in range(turns % 4):
        points = np.stack([-points[:, 1], points[:, 0]], axis=1)
    return points + middle
