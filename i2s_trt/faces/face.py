"""A face that was found, what finds faces, and which of several is meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.faces.landmarks import Landmarks

Which = Literal["largest", "all"] | int
WAY_OUT = "give its landmarks with --landmarks FILE.json, or take the picture as it is with --no-align"


class NoFaceError(ImageError):
    """There is no face, or not the one that was asked for."""


@dataclass(frozen=True)
class Face:
    """Where a face is.

    Attributes:
        landmarks: eyes and mouth.
        score: how sure the detector is, 0..1.
    """

    landmarks: Landmarks
    score: float = 1.0

    def is_same(self, other: "Face") -> bool:
        """Whether two finds are one face: their middles lie nearer than three quarters of the eyes."""
        ours, theirs = self.landmarks, other.landmarks
        apart = np.linalg.norm(ours.points.mean(axis=0) - theirs.points.mean(axis=0))
        return bool(apart < 0.75 * max(ours.eye_distance, theirs.eye_distance))


class FaceDetector(Protocol):
    """Finds faces. The built-in detector, YuNet and dlib implement it alike."""

    @property
    def name(self) -> str:
        """The detector's name, for the record."""
        ...

    def __call__(self, pixels: Pixels, *, every: bool = False) -> list[Face]:
        """The faces of an upright photograph uint8 [H, W, 3], the largest first.

        Args:
            pixels: the photograph.
            every: look for small ones too when large ones have been found.
        """
        ...

    def follow(self, pixels: Pixels, before: Face) -> Face | None:
        """The face of the frame before in this frame uint8 [H, W, 3]; None when it is lost."""
        ...


def choose_faces(faces: Sequence[Face], which: Which) -> list[Face]:
    """The faces that are meant, of those found, the largest first.

    Args:
        faces: sorted by size.
        which: `largest`, `all`, or a number, 1 for the largest.

    Raises:
        NoFaceError: there is none, or none of that number.
    """
    if not faces:
        raise NoFaceError("no face was found", WAY_OUT)
    if which == "all":
        return list(faces)
    number = 1 if which == "largest" else which
    if not 1 <= number <= len(faces):
        found = "one face was" if len(faces) == 1 else f"{len(faces)} faces were"
        raise NoFaceError(f"there is no face {number}: {found} found", f"give --face a number up to {len(faces)}")
    return [faces[number - 1]]


def largest_first(faces: Sequence[Face]) -> list[Face]:
    """Sorted by the distance of the eyes, doubles left out: of each face the surest find stays."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(face.is_same(other) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.landmarks.eye_distance)


def nearest(faces: Sequence[Face], before: Face) -> Face | None:
    """The one of several finds that continues a face; None when all lie elsewhere."""
    return next((face for face in faces if face.is_same(before)), None)
