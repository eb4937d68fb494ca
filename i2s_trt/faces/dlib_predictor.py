"""dlib's 68 landmarks, with which FFHQ itself was aligned, from a .dat file of the user's."""

from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault, ImageError
from i2s_trt.faces.face import Face, largest_first, nearest
from i2s_trt.faces.landmarks import Landmarks

_POINTS = 68
_LONGEST = 1600  # pixels; larger photographs are scaled down to find faces, not to place landmarks


class DlibPredictor:
    """Finds upright faces.

    Args:
        model: the file, as shape_predictor_68_face_landmarks.dat.

    Raises:
        EnvironmentFault: dlib is not installed.
        ImageError: it is not such a model.
    """

    def __init__(self, model: Path) -> None:
        try:
            import dlib
        except ImportError as error:
            raise EnvironmentFault("landmarks from a .dat file need dlib", "pip install dlib-bin") from error
        self.name = f"dlib ({model.name})"
        self._dlib = dlib
        self._find = dlib.get_frontal_face_detector()
        try:
            self._predict = dlib.shape_predictor(str(model))
        except RuntimeError as error:
            raise ImageError(f"{model} is not a dlib model", "name shape_predictor_68_face_landmarks.dat") from error

    def __call__(self, pixels: Pixels, *, every: bool = False) -> list[Face]:
        """See `FaceDetector`; small faces take a second, finer look."""
        import cv2

        factor = min(1.0, _LONGEST / max(pixels.shape[:2]))
        size = tuple(max(1, round(side * factor)) for side in pixels.shape[1::-1])
        scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        boxes, scores, _ = self._find.run(scaled, 2 if every else 1, 0.0)
        return largest_first([self._face(pixels, box, factor, score) for box, score in zip(boxes, scores, strict=True)])

    def follow(self, pixels: Pixels, before: Face) -> Face | None:
        """See `FaceDetector`: the nearest of all faces."""
        return nearest(self(pixels), before)

    def _face(self, pixels: Pixels, box: Any, factor: float, score: float) -> Face:
        edges = (round(edge / factor) for edge in (box.left(), box.top(), box.right(), box.bottom()))
        shape = self._predict(pixels, self._dlib.rectangle(*edges))
        if shape.num_parts != _POINTS:
            raise ImageError(
                f"this dlib model has {shape.num_parts} landmarks", "name shape_predictor_68_face_landmarks.dat"
            )
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float64)
        return Face(Landmarks.from_points(points), min(1.0, float(score) / 2))
