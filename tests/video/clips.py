"""Clips for tests: a photograph that moves smoothly, with sound."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from i2s_trt.arrays import Pixels

RATE = 12
_SAMPLES = 16_000  # a second


def movement(frame: int) -> npt.NDArray[np.float64]:
    """Where a photograph's pixel indices are in a frame: a slow turn, drift and approach; [2, 3]."""
    phase = frame / RATE
    matrix = cv2.getRotationMatrix2D((225.0, 110.0), 8 * np.sin(3 * phase), 1 + 0.15 * phase)
    matrix[:, 2] += [25 * phase, 10 * np.sin(5 * phase)]
    return np.asarray(matrix, np.float64)


def moving_photograph(photograph: Pixels, frames: int) -> list[Pixels]:
    """The photograph's upper part as the camera moves, uint8 [320, 400, 3] each."""
    return [
        np.asarray(cv2.warpAffine(photograph, movement(frame), (400, 320), flags=cv2.INTER_CUBIC), np.uint8)
        for frame in range(frames)
    ]


def write_clip(path: Path, frames: Sequence[Pixels], *, sound: bool = True) -> Path:
    """Encode frames, with a tone if there is to be sound."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=Fraction(RATE), options={"crf": "10"})
        video.height, video.width, video.pix_fmt = frames[0].shape[0], frames[0].shape[1], "yuv420p"
        audio: Any = container.add_stream("aac", rate=_SAMPLES, layout="mono") if sound else None
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            _encode_tone(container, audio, len(frames) / RATE)
    return path


def _encode_tone(container: Any, audio: Any, seconds: float) -> None:
    tone = np.sin(np.arange(int(seconds * _SAMPLES)) * 2 * np.pi * 440 / _SAMPLES).astype(np.float32)
    for start in range(0, len(tone), 1024):
        block = av.AudioFrame.from_ndarray(tone[np.newaxis, start : start + 1024], format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = _SAMPLES, start, Fraction(1, _SAMPLES)
        container.mux(audio.encode(block))
    container.mux(audio.encode(None))
