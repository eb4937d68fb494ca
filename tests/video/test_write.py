"""Videos: what was written is what plays, and nothing half-written stays."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.video.write import write_video
from tests.cli.support import names, small_file_system

ROWS, COLUMNS = np.mgrid[0:48, 0:64]


def frames(count: int, height: int = 48, width: int = 64) -> Iterator[Pixels]:
    """A bright disc that moves over a coloured slope."""
    for number in range(count):
        disc = (ROWS - 24) ** 2 + (COLUMNS - 8 - 4 * number) ** 2 < 64
        picture = np.stack([ROWS * 5, COLUMNS * 3, 200 - COLUMNS * 2], axis=2)
        yield np.where(disc[..., None], 240, picture).astype(np.uint8)[:height, :width]


def played(path: Path) -> list[Pixels]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


@pytest.mark.parametrize("name", ["video.mp4", "video.gif", "VIDEO.MP4"])
def test_every_picture_comes_back(tmp_path: Path, name: str) -> None:
    assert write_video(tmp_path / name, frames(12), 25) == 12
    found = played(tmp_path / name)
    assert len(found) == 12
    for picture, expected in zip(found, frames(12), strict=True):
        difference = picture.astype(int) - expected
        assert np.abs(difference).mean() < 6
        assert np.abs(difference.mean(axis=(0, 1))).max() < 2.5  # colours stay what they are
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "rate"), [("a.mp4", 24), ("a.mp4", Fraction(30000, 1001)), ("a.gif", 20), ("a.mp4", 7.5)]
)
def test_the_rate_is_kept(tmp_path: Path, name: str, rate: float) -> None:
    write_video(tmp_path / name, frames(10), rate)
    with av.open(str(tmp_path / name)) as video:
        assert video.streams.video[0].average_rate == Fraction(rate)
        times = [frame.time for frame in video.decode(video=0)]
    np.testing.assert_allclose(np.diff(np.array(times, float)), 1 / float(rate), atol=1e-3)


def test_a_gif_plays_for_ever_with_a_palette_for_each_picture(tmp_path: Path) -> None:
    colours = [np.random.default_rng(n).integers(0, 256, (16, 16, 3)).astype(np.uint8) for n in range(4)]
    write_video(tmp_path / "a.gif", colours, 10)
    with Image.open(tmp_path / "a.gif") as video:
        assert (video.info["loop"], video.info["duration"]) == (0, 100)
        for number, expected in enumerate(colours):  # 256 colours of its own for each: nearly exact
            video.seek(number)
            assert np.abs(np.asarray(video.convert("RGB")).astype(int) - expected).mean() < 3


def test_odd_sides_are_made_even_at_the_edge(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", frames(3, 33, 47), 10)
    assert {picture.shape for picture in played(tmp_path / "a.mp4")} == {(34, 48, 3)}
    write_video(tmp_path / "a.gif", frames(3, 33, 47), 10)
    assert {picture.shape for picture in played(tmp_path / "a.gif")} == {(33, 47, 3)}


def test_one_picture_is_a_video_too(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif"):
        assert write_video(tmp_path / name, frames(1), 10) == 1
        assert len(played(tmp_path / name)) == 1


@pytest.mark.parametrize(
    ("name", "rate", "count", "words"), [
        ("a.avi", 25, 3, "not a kind of video"), ("a", 25, 3, "not a kind of video"), ("a.mp4", 0, 3, "cannot play 0"),
        ("a.mp4", -1, 3, "cannot play -1"), ("a.mp4", float("nan"), 3, "cannot play nan"),
        ("a.mp4", 241, 3, "at most 240"),
        ("a.gif", 60, 3, "at most 50"), ("a.mp4", 25, 0, "no pictures"),
    ],
)  # fmt: skip
def test_what_makes_no_video_is_refused(tmp_path: Path, name: str, rate: float, count: int, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        write_video(tmp_path / name, frames(count), rate)
    assert words in str(caught.value)
    assert names(tmp_path) == []


def test_an_error_in_the_middle_leaves_the_older_video(tmp_path: Path) -> None:
    def broken() -> Iterator[Pixels]:
        yield from frames(5)
        raise ValueError("no more")

    for name in ("a.mp4", "a.gif"):
        (tmp_path / name).write_bytes(b"older")
        with pytest.raises(ValueError, match="no more"):
            write_video(tmp_path / name, broken(), 25)
        assert (tmp_path / name).read_bytes() == b"older"
    assert names(tmp_path) == ["a.gif", "a.mp4"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    noise = (np.random.default_rng(n).integers(0, 256, (64, 64, 3)).astype(np.uint8) for n in range(60))
    with small_file_system(tmp_path / "disk", "size=64k") as disk:
        with pytest.raises(EnvironmentFault, match="disk is full"):
            write_video(disk / "a.mp4", noise, 25)
        assert names(disk) == []
