"""Clips in: their frames, upright and one at a time, and their sound for the clip that is written."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.files import atomic_write, file_digest, guard_os_errors

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
_MOST_PIXELS = 33_000_000  # of a frame: 8K
_USUAL_RATE = Fraction(25)


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is.

    Attributes:
        name: of the file.
        digest: sha256 of the file.
        rate: frames a second.
        frames: how many the file says there are, 0 when it does not say.
        size: height and width of the upright frames.
        has_audio: whether there is sound.
    """

    name: str
    digest: str
    rate: Fraction
    frames: int
    size: tuple[int, int]
    has_audio: bool


def is_clip(path: Path) -> bool:
    """Whether a file is a clip rather than a picture, by its name."""
    return path.suffix.lower() in SUFFIXES


def read_info(path: Path) -> ClipInfo:
    """Look at a clip's header and first frame.

    Raises:
        ImageError: missing, damaged, or without a picture in it.
    """
    first = next(read_frames(path))
    with _open(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        frames = stream.frames or _count(container, rate)
        size = (first.shape[0], first.shape[1])
        with guard_os_errors(path):
            return ClipInfo(path.name, file_digest(path), Fraction(rate), frames, size, bool(container.streams.audio))


def read_frames(path: Path, start: int = 0, stop: int | None = None) -> Generator[Pixels]:
    """The upright frames uint8 [H, W, 3] from `start` up to `stop`, decoded as they are asked for.

    A clip that breaks off gives the frames before that.

    Raises:
        ImageError: missing, damaged before the first frame, frames too large, or no pictures in it.
    """
    import av

    given = 0
    with _open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if stream.width * stream.height > _MOST_PIXELS:
            raise ImageError(
                f"{path} has frames of {stream.width} x {stream.height} pixels", "scale the clip down first"
            )
        try:
            for frame in islice(container.decode(stream), 0, stop):
                given += 1
                if given > start:
                    yield _turn_upright(frame.to_ndarray(format="rgb24"), frame.rotation)
        except (av.FFmpegError, ValueError) as error:
            if not given:
                raise ImageError(f"{path} cannot be decoded ({error})", "convert it to an H.264 .mp4") from error
    if not given:
        raise ImageError(f"{path} has no frames", "copy or export the clip again")


def add_audio(silent: Path, source: Path, output: Path) -> bool:
    """Write `silent`'s pictures with `source`'s sound, both as they are coded, to `output`.

    Args:
        silent: an .mp4 or similar without sound.
        source: the clip that has it.
        output: written whole or not at all; may be `silent` itself.

    Returns:
        Whether there was sound that this kind of file can hold; if not, nothing is written.

    Raises:
        ImageError: a file cannot be read.
        EnvironmentFault: the disk is full.
    """
    with _open(silent) as pictures, _open(source) as sound:
        if not sound.streams.audio:
            return False
        try:
            with atomic_write(output) as stream:
                _remux(pictures, sound, stream, output.suffix)
        except _NoRoom:
            return False
    return True


class _NoRoom(Exception):
    """The output's format cannot hold the sound."""


def _remux(pictures: Any, sound: Any, stream: BinaryIO, suffix: str) -> None:
    import av

    seconds = Fraction(pictures.duration or 0, av.time_base)
    with av.open(stream, "w", format=suffix.lstrip(".").replace("mkv", "matroska")) as container:
        try:
            video = container.add_stream_from_template(pictures.streams.video[0])
            audio = container.add_stream_from_template(sound.streams.audio[0])
            container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            raise _NoRoom from error
        for packet in _interleave(pictures, sound, _start(sound.streams.video[0]), seconds):
            packet.stream = video if packet.stream.type == "video" else audio
            container.mux(packet)


def _interleave(pictures: Any, sound: Any, begin: Fraction, seconds: Fraction) -> Iterator[Any]:
    """Packets of both in the order of their times; sound from `begin` on, for `seconds`."""
    import heapq

    video = (packet for packet in pictures.demux(video=0) if packet.dts is not None)
    yield from heapq.merge(video, _heard(sound, begin, seconds), key=lambda packet: packet.dts * packet.time_base)


def _heard(sound: Any, begin: Fraction, seconds: Fraction) -> Iterator[Any]:
    """Packets of sound, `begin` earlier; what lies before that is left out, but for the codec's run-up."""
    lowest = 0
    for number, packet in enumerate(sound.demux(audio=0)):
        if packet.dts is None:
            continue
        lowest = min(packet.pts, 0) if number == 0 else lowest
        shift = round(begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if packet.pts >= lowest and packet.pts * packet.time_base < seconds:
            yield packet


def _start(stream: Any) -> Fraction:
    return Fraction((stream.start_time or 0) * stream.time_base)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    import av

    with guard_os_errors(path):
        if not path.exists():
            raise ImageError(f"{path} does not exist", "check the name")
        try:
            container = av.open(str(path))
        except av.FFmpegError as error:
            raise ImageError(f"{path} is not a clip in a known format", "convert it to an .mp4") from error
        with container:
            if not container.streams.video:
                raise ImageError(f"{path} has no pictures in it", "name a video")
            yield container


def _count(container: Any, rate: Fraction) -> int:
    """Frames from the duration, for containers that do not count them."""
    import av

    return round(Fraction(container.duration or 0, av.time_base) * rate)


def _turn_upright(pixels: Pixels, degrees: int) -> Pixels:
    """Turned as the clip's display matrix says (`degrees` counter-clockwise)."""
    return np.ascontiguousarray(np.rot90(pixels, round(degrees / 90) % 4))
