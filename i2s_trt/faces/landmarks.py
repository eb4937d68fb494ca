"""Where eyes and mouth are in a photograph, and the JSON files in which people give that by hand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from i2s_trt.arrays import Points
from i2s_trt.errors import ImageError

_FORMS = (
    '68 points, 5 points (eyes, nose, mouth corners), or {"left_eye": [x, y], "right_eye": [x, y], "mouth": [x, y]}'
)
_SHOWN = 'write {"photo.jpg": {"left_eye": [x, y], "right_eye": [x, y], "mouth": [x, y]}}'
_FARTHEST = 1e6  # pixels; no photograph is larger


@dataclass(frozen=True)
class Landmarks:
    """What FFHQ's alignment needs of a face; left and right are those of the picture.

    Coordinates are pixel indices (x, y): (0, 0) is the centre of the first pixel, as dlib counts.

    Attributes:
        left_eye, right_eye: centres, (x, y).
        left_mouth, right_mouth: corners, (x, y); twice the same where only the middle is known.
    """

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    left_mouth: tuple[float, float]
    right_mouth: tuple[float, float]

    @classmethod
    def from_points(cls, points: Points) -> Self:
        """From points [68, 2] (dlib's order), [5, 2] (eyes, nose, mouth corners) or [4, 2] (eyes, mouth corners).

        Raises:
            ImageError: another number of points, numbers that are not finite, or eyes in one place.
        """
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) not in (4, 5, 68):
            raise ImageError(f"landmarks of shape {list(points.shape)} are not a face", f"give {_FORMS}")
        if len(points) == 68:
            four = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[48], points[54]])
        else:
            four = points if len(points) == 4 else points[[0, 1, 3, 4]]
        if not np.isfinite(points).all() or np.abs(points).max() > _FARTHEST:
            raise ImageError("landmarks lie outside any picture", "give pixel coordinates of the photograph")
        if np.linalg.norm(four[1] - four[0]) < 1:
            raise ImageError("both eyes are in one place", "check the order of the landmarks")
        return cls(*((float(x), float(y)) for x, y in four))

    @property
    def points(self) -> Points:
        """Left eye, right eye, left and right mouth corner, float64 [4, 2]."""
        return np.array([self.left_eye, self.right_eye, self.left_mouth, self.right_mouth])

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes in pixels."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))


def read_landmarks(path: Path) -> Mapping[str, Sequence[Landmarks]]:
    """Faces by the name of their photograph; the name `*` stands for any.

    The file holds a face, a list of faces, or either by the photograph's name. A face is 68 points [x, y] in dlib's
    order, 5 points (left eye, right eye, nose, mouth corners), or an object with `left_eye`, `right_eye` and `mouth`
    (or `left_mouth` and `right_mouth`).

    Raises:
        ImageError: the file is missing, no JSON, or holds something else; the message names the place.
    """
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}", "check the name") from error
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{path} is not JSON ({error})", _SHOWN) from error
    by_name = document if isinstance(document, dict) and "left_eye" not in document else {"*": document}
    if not by_name:
        raise ImageError(f"{path} holds no landmarks", _SHOWN)
    return {name: _faces(entry, f"{path}, {name}") for name, entry in by_name.items()}


def _faces(entry: Any, place: str) -> list[Landmarks]:
    several = isinstance(entry, list) and all(isinstance(face, dict) or _is_points(face) for face in entry)
    faces = entry if several else [entry]
    if not faces:
        raise ImageError(f"{place}: there is no face", f"give {_FORMS}")
    return [_face(face, f"{place}, face {number}") for number, face in enumerate(faces, 1)]


def _face(face: Any, place: str) -> Landmarks:
    try:
        if isinstance(face, dict):
            mouth = [face["mouth"]] * 2 if "mouth" in face else [face["left_mouth"], face["right_mouth"]]
            face = [face["left_eye"], face["right_eye"], *mouth]
        return Landmarks.from_points(np.array(face, np.float64))
    except ImageError as error:
        raise ImageError(f"{place}: {error.args[0]}", error.hint) from error
    except KeyError as error:
        raise ImageError(f"{place}: {error} is missing", f"give {_FORMS}") from error
    except (TypeError, ValueError) as error:
        raise ImageError(f"{place}: these are no points", f"give {_FORMS}") from error


def _is_points(face: Any) -> bool:
    """Whether this is a face rather than a point: a list of lists."""
    return isinstance(face, list) and bool(face) and isinstance(face[0], list)
