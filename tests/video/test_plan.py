"""What each frame of a clip shows: a followed face, given landmarks, or the middle of the picture."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.errors import ImageError
from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.face import NoFaceError
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import PictureShape, Square, fit_picture
from i2s_trt.models.random_weights import standard_spec
from i2s_trt.photographs.people import AlignOptions
from i2s_trt.photographs.quad import ffhq_quad, quad_side
from i2s_trt.video.plan import FramePlan, plan_clip
from i2s_trt.video.read import read_frames, read_info
from tests.faces.photographs import moved
from tests.video.clips import movement, moving_photograph, write_clip

DETECT = BuiltinDetector()
ASTRONAUT = decode(example_path("astronaut"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = moving_photograph(ASTRONAUT, 6)
    return write_clip(tmp_path_factory.mktemp("clip") / "talk.mp4", frames)


def plan(
    path: Path, frames: int = 0, shape: PictureShape | None = None, detector: Any = DETECT, **options: Any
) -> FramePlan:
    return plan_clip(path, read_info(path), frames, shape or Square(64), detector, AlignOptions(**options), 1.0)


def test_the_face_stays_where_ffhq_has_it(clip: Path) -> None:
    found = plan(clip)
    assert (found.kind, found.quads.shape, found.warnings) == ("ffhq", (6, 4, 2), ())
    still = ffhq_quad(DETECT(ASTRONAUT)[0].landmarks)
    for frame, quad in enumerate(found.quads):
        expected = moved(still, movement(frame))
        assert np.linalg.norm(quad - expected, axis=1).max() < 0.01 * quad_side(expected)


def test_aligned_frames_stand_still(clip: Path) -> None:
    found = plan(clip)
    cut = np.stack([found.cut(frame, number, Square(64)) for number, frame in enumerate(read_frames(clip))])
    assert cut.shape == (6, 64, 64, 3)
    middle = cut[:, 20:56, 16:48].astype(int)
    assert np.abs(np.diff(middle, axis=0)).mean() < 3
    raw = np.stack([fit_picture(frame, Square(64)) for frame in read_frames(clip)]).astype(int)
    assert np.abs(np.diff(raw, axis=0)).mean() > 6


def test_it_survives_json(clip: Path) -> None:
    found = plan(clip, frames=2)
    again = FramePlan.from_json(json.loads(json.dumps(found.to_json())))
    assert (again.kind, again.warnings) == (found.kind, found.warnings)
    np.testing.assert_array_equal(again.quads, found.quads)  # or a run that goes on would cut other pictures
    for damaged in ({}, {"kind": "ffhq", "quads": [1], "warnings": []}, {"kind": "x", "quads": [], "warnings": []}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            FramePlan.from_json(damaged)


@pytest.mark.parametrize("detector", [None, DETECT])
def test_frames_without_a_face_are_taken_as_they_are(tmp_path: Path, detector: Any) -> None:
    frames = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(4)]
    path = write_clip(tmp_path / "flat.mp4", frames, sound=False)
    found = plan(path, detector=detector)
    assert found.kind == "crop"
    assert found.quads.shape == (4, 4, 2)
    assert any("no face was found" in message for message in found.warnings) == (detector is not None)
    np.testing.assert_array_equal(found.cut(frames[2], 2, Square(64)), fit_picture(frames[2], Square(64)))
    assert len(plan(path, frames=3, detector=detector).quads) == 3
    with pytest.raises(NoFaceError, match=r"flat\.mp4: no face was found in any frame"):
        plan(path, detector=DETECT, demanded=True)


def test_landmarks_of_the_first_frame_are_followed(clip: Path) -> None:
    here = DETECT(next(read_frames(clip)))[0].landmarks
    off = Landmarks.from_points(here.points + 1)
    found = plan(clip, landmarks={"talk.mp4": [off]})
    assert np.abs(found.quads[5] - plan(clip).quads[5]).max() < 0.5


@pytest.mark.parametrize("part", [{"crop": (8, 56)}, {"crop_columns": (16, 48)}], ids=["landscape", "portrait"])
def test_models_that_show_a_part_of_their_output(clip: Path, part: dict[str, Any]) -> None:
    spec = replace(standard_spec(64), **part)
    found, square = plan(clip, 2, spec), plan(clip, 2)
    frame = next(read_frames(clip))
    cut = found.cut(frame, 0, spec)
    assert cut.shape == (*spec.picture_size, 3)
    assert np.abs(cut.astype(int) - square.cut(frame, 0, Square(64))[spec.window]).max() <= 1


def test_a_clip_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with pytest.raises(ImageError, match=r"a\.mp4 is not a clip"):
        plan(tmp_path / "a.mp4")
