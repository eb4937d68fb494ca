"""Pictures to videos: MP4 for people, GIF for pages. A video is whole or not there."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.files import atomic_write

if TYPE_CHECKING:
    from av import VideoFrame
FASTEST = {".mp4": 240, ".gif": 50}  # frames a second; players slow faster gifs down
_USUAL_RATE = 30.0
_SHORTEST = 2.0  # seconds in which a video can be seen
_H264 = {"crf": "17", "preset": "medium"}  # hardly any visible loss
_BT709 = 1  # the number of its matrix, primaries and transfer in the H.264 standard


def write_video(path: Path, pictures: Iterable[Pixels], rate: float | Fraction) -> int:
    """Encode pictures one at a time as they come.

    MP4 holds H.264 with BT.709 colours at half resolution, which needs even sides: an odd one is repeated at the edge.
    GIF holds a palette for each frame, and plays for ever.

    Args:
        path: ends in `.mp4` or `.gif`.
        pictures: uint8 RGB [H, W, 3], all of one size.
        rate: pictures a second.

    Returns:
        The number of pictures.

    Raises:
        UsageError: the name ends otherwise, the rate makes no sense, or there is no picture; nothing is written.
        EnvironmentFault: PyAV cannot encode, or the disk is full; nothing is written.
    """
    check_video(path, rate)
    remaining = iter(pictures)
    first = next(remaining, None)
    if first is None:
        raise UsageError(f"{path} would have no pictures", "give at least one")
    encode = _encode_gif if path.suffix.lower() == ".gif" else _encode_mp4
    with atomic_write(path) as stream:
        return encode(stream, chain([first], remaining), first.shape, Fraction(rate).limit_denominator(1001))


def is_video(path: Path) -> bool:
    """Whether the name is that of a video that can be written."""
    return path.suffix.lower() in FASTEST


def check_video(path: Path, rate: float | Fraction) -> None:
    """Refuse what `write_video` would refuse before a picture is made. Raises UsageError."""
    if not is_video(path):
        raise UsageError(f"{path} is not a kind of video that can be written", f"videos end in {' or '.join(FASTEST)}")
    fastest = FASTEST[path.suffix.lower()]
    if not 0 < rate <= fastest:
        raise UsageError(
            f"{path.name} cannot play {float(rate):g} pictures a second", f"give a rate above 0, at most {fastest}"
        )


def watchable_rate(count: int) -> float:
    """Pictures a second at which a video of so many can be seen: 30, or what makes it last two seconds."""
    return min(_USUAL_RATE, count / _SHORTEST)


def _encode_mp4(stream: BinaryIO, pictures: Iterable[Pixels], shape: tuple[int, ...], rate: Fraction) -> int:
    import av

    height, width = (side + side % 2 for side in shape[:2])
    if "libx264" not in av.codecs_available:
        raise EnvironmentFault("this PyAV cannot encode H.264", "pip install --force-reinstall av, or write a .gif")
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=rate, options=_H264)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context: Any = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        count = 0
        for picture in pictures:
            even = np.pad(picture, ((0, height - shape[0]), (0, width - shape[1]), (0, 0)), "edge")
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            container.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
            count += 1
        container.mux(video.encode(None))
    return count


def _encode_gif(stream: BinaryIO, pictures: Iterable[Pixels], shape: tuple[int, ...], rate: Fraction) -> int:
    import av

    height, width = shape[:2]
    with av.open(stream, "w", format="gif", options={"loop": "0"}) as container:
        video = container.add_stream("gif", rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "pal8"
        palettes, count = _Palettes(width, height, rate), 0
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = count, 1 / rate
            for reduced in palettes.reduce(frame):
                container.mux(video.encode(reduced))
            count += 1
        for reduced in palettes.reduce(None):
            container.mux(video.encode(reduced))
        container.mux(video.encode(None))
    return count


class _Palettes:
    """FFmpeg's filters that find each frame's own 256 colours and dither to them."""

    def __init__(self, width: int, height: int, rate: Fraction) -> None:
        from av import VideoFormat
        from av.filter import Graph

        self._graph = Graph()
        kind = VideoFormat("rgb24", width, height)
        source = self._graph.add_buffer(width=width, height=height, format=kind, time_base=1 / rate)
        split = self._graph.add("split")
        find = self._graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = self._graph.add("paletteuse", "new=1:dither=sierra2_4a")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(find, 1, 0)
        find.link_to(use, 0, 1)
        use.link_to(self._graph.add("buffersink"))
        self._graph.configure()

    def reduce(self, frame: "VideoFrame | None") -> "Iterator[Any]":
        """What is ready after one more frame, or after the last one."""
        from av.error import BlockingIOError as NothingYet
        from av.error import EOFError as NothingMore

        self._graph.push(frame)
        with suppress(NothingYet, NothingMore):
            while True:
                yield self._graph.pull()
