"""One face followed through a clip, and the noise of its landmarks smoothed away."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from i2s_trt.arrays import Array, Pixels, Points
from i2s_trt.faces.face import WAY_OUT, Face, FaceDetector, NoFaceError, Which, choose_faces
from i2s_trt.faces.landmarks import Landmarks

_REACH = 4  # standard deviations that the smoothing looks around


@dataclass(frozen=True)
class Track:
    """Where a face is in each frame.

    Attributes:
        points: eyes and mouth corners, float64 [T, 4, 2], as `Landmarks.points`.
        seen: whether it was found there, bool [T]; the others are interpolated.
        cuts: first frames of takes, in which the face is somewhere else at once.
    """

    points: Points
    seen: Array
    cuts: tuple[int, ...] = (0,)

    def landmarks(self, frame: int) -> Landmarks:
        """Landmarks of one frame."""
        return Landmarks.from_points(self.points[frame])


def follow_face(
    frames: Iterable[Pixels],
    detector: FaceDetector,
    which: Which = "largest",
    report: Callable[[int], None] = lambda _done: None,
) -> Track:
    """Find a face in the first frame that has one, and follow it.

    Args:
        frames: uint8 [H, W, 3] each.
        detector: finds and follows.
        which: of several faces of the first frame.
        report: called with the number of frames done.

    Raises:
        NoFaceError: no frame has a face, or the first with faces has none of that number.
    """
    found: list[Face | None] = []
    cuts, before = [0], None
    for number, frame in enumerate(frames):
        face = detector.follow(frame, before) if before else None
        if face is None:
            face = _found_anew(frame, detector, which if before is None else "largest")
            if face and before and not face.is_same(before):
                cuts.append(number)
        found.append(face)
        before = face or before
        report(number + 1)
    if before is None:
        raise NoFaceError("no face was found in any frame", WAY_OUT)
    return Track(_interpolate(found), np.array([face is not None for face in found]), tuple(cuts))


def smoothed(track: Track, deviation: float) -> Track:
    """Each take smoothed by parabolas fitted around each frame, which leave steady and turning motion as it is.

    Args:
        track: as it was found.
        deviation: of the Gaussian weights, in frames; 0 changes nothing.
    """
    if deviation <= 0:
        return track
    points = track.points.copy()
    for start, stop in zip(track.cuts, (*track.cuts[1:], len(points)), strict=True):
        points[start:stop] = local_parabolas(track.points[start:stop], deviation)
    return Track(points, track.seen, track.cuts)


def _found_anew(frame: Pixels, detector: FaceDetector, which: Which) -> Face | None:
    faces = detector(frame, every=which != "largest")
    return choose_faces(faces, which)[0] if faces else None


def _interpolate(found: list[Face | None]) -> Points:
    """[T, 4, 2]; frames without a face lie between their neighbours, the ends repeat the nearest."""
    known = [number for number, face in enumerate(found) if face]
    points = np.stack([face.landmarks.points.ravel() for face in found if face])
    every = np.arange(len(found))
    columns = [np.interp(every, known, column) for column in points.T]
    return np.stack(columns, axis=1).reshape(-1, 4, 2)


def local_parabolas(values: Array, deviation: float) -> Array:
    """Weighted least squares of a parabola around each of [T, ...] (Savitzky and Golay 1964, with Gaussian weights)."""
    flat = values.reshape(len(values), -1)
    result = np.empty_like(flat)
    for t in range(len(flat)):
        low, high = max(0, t - int(_REACH * deviation)), min(len(flat), t + int(_REACH * deviation) + 1)
        offset = np.arange(low, high) - t
        weight = np.sqrt(np.exp(-0.5 * (offset / deviation) ** 2))[:, np.newaxis]
        parabola = np.stack([np.ones(len(offset)), offset, offset**2], axis=1)
        result[t] = np.linalg.lstsq(weight * parabola, weight * flat[low:high], rcond=None)[0][0]
    return result.reshape(values.shape)
