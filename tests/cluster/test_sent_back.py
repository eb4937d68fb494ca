"""Snapshots on their way to a driver that does not see the worker's folder."""

import os
from pathlib import Path

import pytest

from i2s_trt.cluster import sent_back
from i2s_trt.cluster.results_folder import ResultsFolder
from i2s_trt.cluster.sent_back import SentBack


def write(path: Path, data: bytes, time: int) -> None:
    path.write_bytes(data)
    os.utime(path, ns=(time, time))


def test_what_has_changed_is_sent_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_back, "_RATE", float("inf"))
    back = SentBack(tmp_path, gives_back=True)
    assert back.news() == {}
    write(tmp_path / ".a.b.snapshot", b"1", 10)
    write(tmp_path / ".c.snapshot", b"1", 10)
    write(tmp_path / "a.b.safetensors", b"1", 10)
    assert back.news() == {"a.b": b"1", "c": b"1"}
    write(tmp_path / ".c.snapshot", b"2", 11)
    (tmp_path / ".a.b.snapshot").unlink()
    assert back.news() == {"c": b"2"}
    assert back.news() == {}
    assert SentBack(tmp_path, gives_back=False).news() == {}, "the driver sees it"


def test_what_is_large_is_sent_more_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("i2s_trt.cluster.sent_back.time.monotonic", lambda: now)
    back = SentBack(tmp_path, gives_back=True)
    write(tmp_path / ".large.snapshot", bytes(5_000_000), 10)
    assert back.news().keys() == {"large"}
    write(tmp_path / ".large.snapshot", bytes(5_000_000), 11)
    now += 9.0
    assert back.news() == {}
    now += 2.0
    assert back.news().keys() == {"large"}


def test_it_is_where_the_worker_would_have_written_it(tmp_path: Path) -> None:
    results = ResultsFolder(tmp_path / "out", "driver")
    with results.held(resume=True):
        results.keep("worker-0-1", "photo", b"no snapshot, but new")
        results.keep("worker-0-1", "photo", b"no snapshot, and newer")
        (found,) = (tmp_path / "out/.partial").rglob("*.*")
        assert found == tmp_path / "out/.partial/worker-0-1/.photo.snapshot"
        assert found.read_bytes() == b"no snapshot, and newer"
    assert not (tmp_path / "out/.partial").exists()
