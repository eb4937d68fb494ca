"""The built-in detector: BlazeFace proposes, the face mesh decides. Both run in OpenCV and ship with the program."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.faces.blazeface import BlazeFace, Proposal
from i2s_trt.faces.face import Face, largest_first
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.faces.mesh import FaceMesh, MeshFace, Region

_LEVELS = 5  # each halves the windows
_THOROUGH_LEVELS = 3
_LEAST_WINDOW = 160  # pixels; smaller ones hold faces that are too small to embed
_TURNS = (0, 1, 3, 2)  # quarter turns to the left, the likeliest first
_TRIED = 12  # proposals of a level and orientation that are looked at closely
_SURE = 0.99
_MOST_MOVED = 0.05  # eye distances in the last pass
_AGREE = 0.6  # eye distances between both networks' eyes


class BuiltinDetector:
    """Finds faces of any orientation whose square is larger than a sixth of the smallest window."""

    name = "BlazeFace and face mesh (MediaPipe)"

    def __call__(self, pixels: Pixels, *, every: bool = False) -> list[Face]:
        """See `FaceDetector`: the coarsest level that has faces decides, unless every face is wanted."""
        found: list[Face] = []
        for level, window in enumerate(_windows(pixels)):
            if found and (not every or level >= _THOROUGH_LEVELS):
                break
            found += self._search(pixels, window)
        return largest_first(found)

    def follow(self, pixels: Pixels, before: Face) -> Face | None:
        """See `FaceDetector`: the mesh starts from where the face was."""
        points = before.landmarks.points + 0.5
        eyes = points[1] - points[0]
        # the outline of a face spans about 3.4 eye distances and its middle lies half an eye distance below the eyes
        centre = points[:2].mean(axis=0) + 0.45 * (points[2:].mean(axis=0) - points[:2].mean(axis=0))
        region = Region(centre, float(np.arctan2(eyes[1], eyes[0])), 3.7 * before.landmarks.eye_distance)
        face = _as_face(self._mesh.find(pixels, region), 1.0)
        return face if face and face.is_same(before) else None

    def _search(self, pixels: Pixels, window: float) -> list[Face]:
        """Upright faces, and only if there are none, turned ones."""
        upright = self._accept(pixels, self._blazeface.propose(pixels, window, 0))
        if upright:
            return upright
        proposals = [found for turns in _TURNS[1:] for found in self._blazeface.propose(pixels, window, turns)]
        return self._accept(pixels, sorted(proposals, key=lambda proposal: -proposal.score))

    def _accept(self, pixels: Pixels, proposals: Sequence[Proposal]) -> list[Face]:
        kept: list[Face] = []
        for proposal in _drop_duplicates(proposals):
            close = self._mesh.find(pixels, Region(proposal.centre, proposal.angle, 1.5 * proposal.side))
            face = _as_face(close, proposal.score)
            if face and _agree(close, proposal):
                kept.append(face)
        return kept

    @cached_property
    def _blazeface(self) -> BlazeFace:
        return BlazeFace()

    @cached_property
    def _mesh(self) -> FaceMesh:
        return FaceMesh()


def _windows(pixels: Pixels) -> Iterator[float]:
    longest = float(max(pixels.shape[:2]))
    yield longest
    for level in range(1, _LEVELS):
        if longest / 2**level >= _LEAST_WINDOW:
            yield longest / 2**level


def _drop_duplicates(proposals: Sequence[Proposal]) -> list[Proposal]:
    """The surest of each place and orientation."""
    kept: list[Proposal] = []
    for proposal in proposals:
        if len(kept) == _TRIED:
            break
        same = (
            np.abs(proposal.centre - other.centre).max() < 0.4 * other.side
            and np.cos(proposal.angle - other.angle) > 0.7
            and 0.5 < proposal.side / other.side < 2
            for other in kept
        )
        if not any(same):
            kept.append(proposal)
    return kept


def _as_face(close: MeshFace, score: float) -> Face | None:
    """A face if the mesh is sure of one, has come to rest, and has its mouth where a mouth can be."""
    if close.score < _SURE or close.moved > _MOST_MOVED:
        return None
    left, right, *mouth = close.points
    eyes = right - left
    below = np.array([-eyes[1], eyes[0]]) / np.hypot(*eyes)
    depth = (np.mean(mouth, axis=0) - (left + right) / 2) @ below / np.hypot(*eyes)
    if not 0.4 < depth < 2.5:
        return None
    try:
        return Face(Landmarks.from_points(close.points - 0.5), score * close.score)
    except ImageError:
        return None


def _agree(close: MeshFace, proposal: Proposal) -> bool:
    """Whether both networks see the eyes in one place."""
    distance = np.hypot(*(close.points[1] - close.points[0]))
    return bool(np.linalg.norm(close.points[:2] - proposal.eyes, axis=1).max() < _AGREE * distance)
