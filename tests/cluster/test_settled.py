"""What becomes of a result that a worker brings, whoever that is: without a cluster."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.cluster import embed
from i2s_trt.cluster.embed import ClusterEmbedding
from i2s_trt.cluster.embed_work import Embedded, EmbedSettings
from i2s_trt.cluster.handed import HandedFile
from i2s_trt.cluster.join import Cluster
from i2s_trt.cluster.slot import Slot
from i2s_trt.cluster.tasks import Done, Feed
from i2s_trt.deltas import delta_path
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run.job import JobResult
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.snapshot import snapshot_step
from i2s_trt.embedding.run.workers import own_folder
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.session import SessionOptions, open_session
from tests.cluster.models import save_toy
from tests.cluster.test_embed import photographs

__all__ = ["photographs"]


class Brought:
    """In place of a dispatcher: what workers bring is known, and `meanwhile` happens before."""

    def __init__(self, *outcomes: Done, meanwhile: Callable[[], Any] = lambda: None) -> None:
        self._outcomes, self._meanwhile = outcomes, meanwhile
        self._fault: I2sError | None = None

    def __call__(self, *_arguments: Any) -> "Brought":
        return self

    def run(self, _feed: Feed) -> Iterator[tuple[str, Done]]:
        self._meanwhile()
        yield from (("w", outcome) for outcome in self._outcomes)
        if self._fault:
            raise self._fault

    def give_up(self, fault: I2sError) -> None:
        self._fault = fault


def settle(sources: list[Path], folder: Path) -> list[JobResult]:
    """Bring the results of photographs into a folder."""
    nobody = lambda _event: None  # noqa: E731
    settings = EmbedSettings(SessionOptions("toy"), JobOptions(resume=True))
    cluster = Cluster(1, 1, 1.0, 0.0)
    run = ClusterEmbedding(cluster, settings, None, "driver", folder, nobody, nobody)  # type: ignore[arg-type]
    return list(run.run(sources))


def handed(name: str, data: bytes, sha256: str = "") -> HandedFile:
    return HandedFile(name, sha256 or hashlib.sha256(data).hexdigest(), data)


def test_who_had_not_begun_forgets_nothing_of_who_had(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, worker = tmp_path / "out", tmp_path / "out/.partial/another"
    options = SessionOptions(save_toy(tmp_path), "cpu", "random", embed=EmbedOptions(steps=12))
    asked = iter(range(100))

    def another_works() -> None:
        worker.mkdir(parents=True)
        job = open_session(options).pictures(worker, JobOptions(), lambda _event: None, lambda: next(asked) > 5)
        job.run(photographs[:1])

    brought = Brought(Done("photo", Embedded("interrupted", [], [])), meanwhile=another_works)
    monkeypatch.setattr(embed, "Dispatcher", brought)
    (result,) = settle(photographs[:1], out)
    assert result.status == "interrupted"
    assert snapshot_step(out / ".photo.snapshot") == 6


def test_a_damaged_latent_leaves_what_was_tuned_to_the_one_before(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delta = delta_path(tmp_path / "out/photo.safetensors")
    delta.parent.mkdir()
    delta.write_bytes(b"tuned")
    damaged = handed("photo.safetensors", b"latent", "0" * 64)
    monkeypatch.setattr(embed, "Dispatcher", Brought(Done("photo", Embedded("finished", [], [damaged]))))
    with pytest.raises(EnvironmentFault, match="it was damaged on its way"):
        settle(photographs[:1], tmp_path / "out")
    assert delta.read_bytes() == b"tuned"


def test_a_name_that_is_taken_drops_nothing_that_others_bring(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (out / "photo.png/full").mkdir(parents=True)
    results = [Done(name, Embedded("finished", [], [handed(f"{name}.png", b"x")])) for name in ("photo", "other")]
    monkeypatch.setattr(embed, "Dispatcher", Brought(*results))
    with pytest.raises(UsageError, match=r"photo\.png cannot be written"):
        settle([photographs[0], photographs[2]], out)
    assert (out / "other.png").read_bytes() == b"x"


def test_a_place_where_no_worker_can_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "partial").touch()
    with pytest.raises(I2sError, match="partial"):
        Slot(0).start(Cluster(1, 1, 1.0, 0.0), tmp_path / "partial")


def test_a_folders_lock_is_removed_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    lock, release, there = tmp_path / ".embed.lock", FileLock.release, list[bool]()

    def look(held: FileLock, *arguments: Any, **options: Any) -> None:
        there.append(lock.exists())
        release(held, *arguments, **options)

    monkeypatch.setattr(FileLock, "release", look)
    with own_folder(tmp_path):
        assert lock.exists()
    assert there[0] is False
