"""What each frame of a clip shows of it: an aligned face that is followed, or the middle of the picture."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from i2s_trt.arrays import Pixels, Points
from i2s_trt.faces.face import Face, FaceDetector, NoFaceError
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.fit import PictureShape, fit_picture
from i2s_trt.photographs.people import AlignOptions
from i2s_trt.photographs.prepare import too_small
from i2s_trt.photographs.quad import ffhq_quad, fit_quad, quad_around, quad_part, quad_side
from i2s_trt.photographs.record import Kind
from i2s_trt.photographs.warp import align_quad
from i2s_trt.video.read import ClipInfo, read_frames
from i2s_trt.video.track import Track, follow_face, smoothed

_OVERSAMPLING = 4  # at which a frame's quad is warped; FFHQ's 4096 by its 1024


@dataclass(frozen=True)
class FramePlan:
    """Quads of a clip's frames.

    Attributes:
        kind: `ffhq` for aligned faces, else how the frames are fitted.
        quads: float64 [T, 4, 2], see `photographs.quad`.
        warnings: what a user should know.
    """

    kind: Kind
    quads: Points
    warnings: tuple[str, ...] = ()

    def cut(self, pixels: Pixels, frame: int, shape: PictureShape) -> Pixels:
        """The picture of a frame uint8 [H, W, 3], of the model's picture size."""
        if self.kind != "ffhq":
            return fit_picture(pixels, shape, self.kind)
        size = shape.resolution
        square = quad_around(self.quads[frame], shape.window, size)
        return align_quad(pixels, square, size, _OVERSAMPLING * size)[shape.window]

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"kind": self.kind, "quads": self.quads.tolist(), "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """What `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        quads = np.array(data["quads"], np.float64)
        if quads.ndim != 3 or quads.shape[1:] != (4, 2) or data["kind"] not in ("ffhq", "crop", "pad"):
            raise ValueError("no plan of frames")
        return cls(data["kind"], quads, tuple(data["warnings"]))


def plan_clip(
    path: Path,
    info: ClipInfo,
    frames: int,
    shape: PictureShape,
    detector: FaceDetector | None,
    options: AlignOptions,
    smoothing: float,
    report: Callable[[int], None] = lambda _done: None,
) -> FramePlan:
    """Follow a face through a clip, or take the frames as they are.

    Args:
        path, info: of the clip.
        frames: plan no more; 0 for all.
        shape: of the model's pictures.
        detector: finds and follows; None takes frames as they are.
        options: which face, and whether there must be one; landmarks given there are those of the first frame.
        smoothing: of the landmarks, in frames.
        report: called with the number of frames done.

    Raises:
        ImageError: the clip cannot be read, or no face was found where one is demanded.
    """
    warnings: tuple[str, ...] = ()
    if detector is not None:
        try:
            return _plan_faces(path, frames or None, shape, detector, options, smoothing, report)
        except NoFaceError:
            if options.demanded:
                raise
            warnings = ("no face was found in any frame, so they are embedded as they are",)
    count = sum(1 for _ in read_frames(path, stop=frames or None))
    quad = fit_quad(info.size, shape.picture_size, options.fit)
    return FramePlan(options.fit, np.tile(quad, (count, 1, 1)), (*too_small(quad_side(quad), shape), *warnings))


def _plan_faces(
    path: Path,
    frames: int | None,
    shape: PictureShape,
    detector: FaceDetector,
    options: AlignOptions,
    smoothing: float,
    report: Callable[[int], None],
) -> FramePlan:
    given = options.landmarks.get(path.name, options.landmarks.get("*"))
    finder = _Given(detector, given[0]) if given else detector
    try:
        track = follow_face(read_frames(path, stop=frames), finder, options.which, report)
    except NoFaceError as error:
        raise NoFaceError(f"{path}: {error.args[0]}", error.hint) from error
    steady = smoothed(track, smoothing)
    squares = [ffhq_quad(steady.landmarks(frame)) for frame in range(len(steady.points))]
    quads = np.round([quad_part(square, shape.window, shape.resolution) for square in squares], 3)
    return FramePlan("ffhq", quads, (*too_small(quad_side(quads[0]), shape), *_remarks(track)))


class _Given:
    """A detector whose first find is given."""

    def __init__(self, detector: FaceDetector, landmarks: Landmarks) -> None:
        self.name, self._detector = detector.name, detector
        self._first: Face | None = Face(landmarks)

    def __call__(self, pixels: Pixels, *, every: bool = False) -> list[Face]:
        first, self._first = self._first, None
        return [first] if first else self._detector(pixels, every=every)

    def follow(self, pixels: Pixels, before: Face) -> Face | None:
        return self._detector.follow(pixels, before)


def _remarks(track: Track) -> tuple[str, ...]:
    lost, cuts = int((~track.seen).sum()), len(track.cuts) - 1
    remarks = []
    if lost:
        remarks.append(f"the face was not found in {lost} of {len(track.seen)} frames; its place there is interpolated")
    if cuts:
        remarks.append(f"the face jumps {cuts} times: the clip seems to have cuts")
    return tuple(remarks)
