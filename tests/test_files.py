"""Files are whole or not there, whatever happens while they are written."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import pytest

from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.files import atomic_write, file_digest, home, make_folder, remove_leftovers, write_bytes
from tests.cli.support import limit_file_size, names, small_file_system


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    with small_file_system(tmp_path / "disk", "size=64k") as folder:
        yield folder


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that nobody may write to, root included."""
    with small_file_system(tmp_path / "disk", "size=64k,ro") as folder:
        yield folder


def fail_halfway(path: Path) -> None:
    with atomic_write(path) as stream:
        stream.write(b"half of the n")
        raise RuntimeError


def test_writing_replaces_the_old_file(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_bytes(tmp_path / "a", content)
        assert (tmp_path / "a").read_bytes() == content
    assert names(tmp_path) == ["a"]


def test_an_error_keeps_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError):
        fail_halfway(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    write_bytes(small_disk / "a", b"old")
    with pytest.raises(EnvironmentFault, match=r"disk is full: .*/a was not written\n  hint: free some space"):
        write_bytes(small_disk / "a", bytes(200_000))
    assert (small_disk / "a").read_bytes() == b"old"
    assert names(small_disk) == ["a"]


def test_a_file_size_limit_counts_as_a_full_disk(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from i2s_trt.files import write_bytes\n"
        "try: write_bytes(Path('a'), bytes(100_000))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True,
        preexec_fn=limit_file_size(5000),
    )  # fmt: skip
    assert done.stdout.startswith("EnvironmentFault the disk is full")
    assert names(tmp_path) == []


def test_a_read_only_folder(read_only: Path) -> None:
    for write in (lambda: write_bytes(read_only / "a", b""), lambda: make_folder(read_only / "sub")):
        with pytest.raises(EnvironmentFault, match="cannot be written: Read-only file system") as caught:
            write()
        assert "folder you may write to" in caught.value.hint
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        make_folder(read_only)


def test_a_folder_name_that_a_file_has(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for folder in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(UsageError, match="is not a folder") as caught:
            make_folder(folder)
        assert "-o" in caught.value.hint


def test_a_file_name_that_a_folder_has(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written") as caught:
        write_bytes(tmp_path / "a", b"")
    assert "in the way" in caught.value.hint
    assert names(tmp_path) == ["a"]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(I2sError) as caught:
        write_bytes(tmp_path / "none" / "a", b"")
    assert caught.value.hint


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_bytes(tmp_path / "a", b"")
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


def test_concurrent_writers_leave_one_whole_file(tmp_path: Path) -> None:
    contents = [bytes([i]) * 100_000 for i in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_bytes(tmp_path / "a", content), contents))
    assert (tmp_path / "a").read_bytes() in contents
    assert names(tmp_path) == ["a"]


def test_long_names_leave_room_for_the_temporary_one(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("n" * 255), b"1")
    write_bytes(tmp_path / ("é" * 127), b"1")
    assert len(names(tmp_path)) == 2


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    for name in ("[a].png", ".[a].png.12ab.tmp", ".b.png.12ab.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "[a].png")
    assert names(tmp_path) == [".b.png.12ab.tmp", "[a].png"]
    remove_leftovers(tmp_path / "none" / "a.png")


def test_digest_and_home(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a").startswith("ba7816bf8f01cfea")
    assert home() == own_home
    monkeypatch.delenv("I2S_TRT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert home() == Path("/somewhere/i2s-trt")


def test_a_user_without_a_home_is_told_how_to_have_one(monkeypatch: pytest.MonkeyPatch, read_only: Path) -> None:
    monkeypatch.setenv("I2S_TRT_HOME", str(read_only / "home"))
    with pytest.raises(EnvironmentFault, match=r"cannot be written.*\n  hint: set I2S_TRT_HOME"):
        make_folder(home() / "graphs")

    def unknown(_name: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("I2S_TRT_HOME")
    monkeypatch.setattr(platformdirs, "user_data_path", unknown)
    assert home() == Path("/nonexistent/i2s-trt")
