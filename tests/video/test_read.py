"""Clips in: frames in order and upright, what is told about them, sound taken over, and files that are no clips."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from i2s_trt.errors import ImageError
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.video.read import SUFFIXES, add_audio, is_clip, read_frames, read_info
from tests.cli.support import names
from tests.video.clips import RATE, moving_photograph, write_clip

FRAMES = moving_photograph(decode(example_path("astronaut")), 7)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "talk.mp4", FRAMES)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("silent") / "silent.mp4", FRAMES, sound=False)


def seconds_of_sound(path: Path) -> float:
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0)) / container.streams.audio[0].rate


def test_frames_come_in_order(clip: Path) -> None:
    found = list(read_frames(clip))
    assert len(found) == 7
    for frame, expected in zip(found, FRAMES, strict=True):
        assert frame.dtype == np.uint8
        assert np.abs(frame.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("start", "stop", "count"), [(0, 3, 3), (2, None, 5), (2, 5, 3), (6, 9, 1)])
def test_some_of_the_frames(clip: Path, start: int, stop: int | None, count: int) -> None:
    found, every = list(read_frames(clip, start, stop)), list(read_frames(clip))
    assert len(found) == count
    np.testing.assert_array_equal(found[0], every[start])


def test_what_a_clip_is(clip: Path, silent: Path) -> None:
    info = read_info(clip)
    assert (info.name, float(info.rate), info.frames) == ("talk.mp4", RATE, 7)
    assert (info.size, info.has_audio) == ((320, 400), True)
    assert len(info.digest) == 64
    assert not read_info(silent).has_audio


def test_a_turned_clip_is_made_upright(clip: Path, tmp_path: Path) -> None:
    """Telephones write what the sensor sees and a matrix that says how to turn it."""
    path = turned_by_its_header(clip, tmp_path / "turned.mp4")
    found = next(read_frames(path))
    assert found.shape == (400, 320, 3)
    plain = next(read_frames(clip))
    likely = [np.abs(np.rot90(plain, turns).astype(int) - found).mean() for turns in (1, 3)]
    assert min(likely) == 0
    assert read_info(path).size == (400, 320)


def turned_by_its_header(clip: Path, path: Path) -> Path:
    """The clip with a quarter turn in the matrix of its track header (`tkhd`)."""
    data = bytearray(clip.read_bytes())
    place = data.index(b"tkhd") + 4
    matrix = place + 4 + 4 * 9  # version, flags, times, track, duration, layer, group, volume
    quarter = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in quarter)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".avi"])
def test_other_containers(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"talk{suffix}", FRAMES, sound=False)
    assert len(list(read_frames(path))) == 7
    info = read_info(path)
    assert info.rate == Fraction(RATE)
    assert info.frames in (6, 7)


def test_names_of_clips() -> None:
    assert all(is_clip(Path(f"a{suffix.upper()}")) for suffix in SUFFIXES)
    assert not is_clip(Path("a.gif"))


def test_sound_is_taken_over_as_it_is(clip: Path, silent: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    assert add_audio(silent, clip, output)
    assert seconds_of_sound(output) == pytest.approx(seconds_of_sound(clip), abs=0.07)
    np.testing.assert_array_equal(list(read_frames(output)), list(read_frames(silent)))
    packets: list[Any] = []
    for path in (clip, output):
        with av.open(str(path)) as container:
            packets.append([bytes(packet) for packet in container.demux(audio=0)])
    assert packets[0] == packets[1]


def test_the_video_may_be_replaced(clip: Path, silent: Path, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(silent.read_bytes())
    assert add_audio(video, clip, video)
    assert read_info(video).has_audio
    assert names(tmp_path) == ["video.mp4"]


def test_sound_ends_with_the_pictures(clip: Path, tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mp4", FRAMES[:3], sound=False)
    assert add_audio(short, clip, tmp_path / "out.mp4")
    assert seconds_of_sound(tmp_path / "out.mp4") < 3 / RATE + 0.1


def test_where_there_is_no_sound_nothing_is_written(silent: Path, tmp_path: Path) -> None:
    assert not add_audio(silent, silent, tmp_path / "out.mp4")
    assert names(tmp_path) == []


def test_sound_that_the_container_cannot_hold(silent: Path, tmp_path: Path) -> None:
    path = tmp_path / "loud.avi"
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("mpeg4", rate=RATE)
        video.height, video.width, video.pix_fmt = 32, 32, "yuv420p"
        audio: Any = container.add_stream("wmav2", rate=16_000, layout="mono", bit_rate=32_000)
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        block.sample_rate = 16_000
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    assert read_info(path).has_audio
    assert not add_audio(silent, path, tmp_path / "out.mp4")
    assert names(tmp_path) == ["loud.avi"]


@pytest.mark.parametrize("content", [b"", b"no clip", b"\x00\x00\x00\x18ftypmp42" + bytes(200)])
def test_files_that_are_no_clips(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_info(tmp_path / "a.mp4")
    assert "a.mp4" in str(caught.value)
    assert "hint: " in str(caught.value)


def test_no_file_and_sound_alone(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        next(read_frames(tmp_path / "none.mp4"))
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        audio: Any = container.add_stream("aac", rate=16_000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        block.sample_rate = 16_000
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    with pytest.raises(ImageError, match="no pictures in it"):
        read_info(tmp_path / "sound.mkv")


def test_a_clip_that_breaks_off_gives_the_frames_before(clip: Path, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", FRAMES, sound=False).read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    assert 0 < len(list(read_frames(tmp_path / "half.mkv"))) < 7
    (tmp_path / "half.mp4").write_bytes(clip.read_bytes()[:20_000])
    with pytest.raises(ImageError, match=r"half\.mp4"):
        read_info(tmp_path / "half.mp4")
