"""YuNet (Wu et al. 2023) through OpenCV, from an .onnx file of the user's."""

from pathlib import Path

import numpy as np

from i2s_trt.arrays import Array, Pixels
from i2s_trt.errors import ImageError
from i2s_trt.faces.face import Face, largest_first, nearest
from i2s_trt.faces.landmarks import Landmarks

_LEAST_SCORE, _OVERLAP, _MOST = 0.7, 0.3, 5000
_LONGEST = (640, 1920)  # pixels to which a photograph is scaled: coarse, then fine


class YuNet:
    """Finds upright faces.

    Args:
        model: the file, as face_detection_yunet_2023mar.onnx of OpenCV's model zoo.

    Raises:
        ImageError: it is not such a model.
    """

    def __init__(self, model: Path) -> None:
        import cv2

        self.name = f"YuNet ({model.name})"
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), _LEAST_SCORE, _OVERLAP, _MOST)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise ImageError(f"{model} is not a YuNet model", "name face_detection_yunet_2023mar.onnx") from error

    def __call__(self, pixels: Pixels, *, every: bool = False) -> list[Face]:
        """See `FaceDetector`."""
        found: list[Face] = []
        for longest in _LONGEST:
            if found and not every:
                break
            found += self._detect(pixels, min(1.0, longest / max(pixels.shape[:2])))
        return largest_first(found)

    def follow(self, pixels: Pixels, before: Face) -> Face | None:
        """See `FaceDetector`: the nearest of all faces."""
        return nearest(self(pixels, every=True), before)

    def _detect(self, pixels: Pixels, factor: float) -> list[Face]:
        import cv2

        size = tuple(max(1, round(side * factor)) for side in pixels.shape[1::-1])
        scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        self._net.setInputSize(size)
        _, rows = self._net.detect(np.ascontiguousarray(scaled[..., ::-1]))
        return [] if rows is None else [_face(row, factor) for row in rows.astype(np.float64)]


def _face(row: Array, factor: float) -> Face:
    """A row: box (4), eyes, nose and mouth corners (10; the picture's left first), score."""
    points = (row[4:14].reshape(5, 2) + 0.5) / factor - 0.5
    return Face(Landmarks.from_points(points), float(row[14]))
