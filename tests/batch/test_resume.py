"""Batches that stop and go on: what is committed is never rendered again."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from i2s_trt.batch.runner import run_batch
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.models.generator import Generator
from tests.batch.support import collected, latents, leftovers, pictures, prepare
from tests.batch.test_runner import OPTIONS, RENDERING, Renderer, made
from tests.cli.support import small_file_system

RESUME = replace(OPTIONS, resume=True)


def test_a_finished_batch_renders_nothing_again(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)])
    before, journal = pictures(tmp_path / "out"), (tmp_path / "out/journal.ndjson").read_bytes()
    again = Renderer(toy)
    result = made(tmp_path, [again], RESUME)
    assert (result.rendered, result.kept, again.batches) == (0, 35, [])
    assert pictures(tmp_path / "out") == before
    assert (tmp_path / "out/journal.ndjson").read_bytes() == journal


def test_what_a_worker_of_a_killed_run_still_writes_holds_up_nothing(
    toy: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = tmp_path / "out/.partial/worker-0-0/late.png"
    late.parent.mkdir(parents=True)
    late.touch()
    remove, removed = shutil.rmtree, list[Path]()

    def find_it_in_use(path: Path, *, ignore_errors: bool) -> None:
        removed.append(path)
        if len(removed) > 1:  # at the end of the run; at first a file came while it was being emptied
            remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", find_it_in_use)
    assert made(tmp_path, [Renderer(toy)], RESUME).rendered == 35
    assert leftovers(tmp_path / "out") == []


def test_without_resume_it_begins_anew(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)])
    assert made(tmp_path, [Renderer(toy)]).rendered == 35


def test_only_what_changed_or_is_gone_is_made_again(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)])
    before = pictures(tmp_path / "out")
    out = tmp_path / "out"
    (out / "face0-plain.png").unlink()
    (out / "face1-plain.png").write_bytes(b"cut")
    np.save(tmp_path / "in/face2.npy", latents(1, seed=50)[0])
    found, variants = collected(tmp_path / "in")
    result = run_batch(found, variants, [Renderer(toy)], out, RESUME, RENDERING)
    assert (result.rendered, result.kept) == (1 + 1 + 5, 35 - 7)
    after = pictures(out)
    assert {name for name in after if after[name] != before[name]} <= {name for name in after if "face2" in name}
    assert after["face0-plain.png"] == before["face0-plain.png"]
    other = run_batch(found, variants, [Renderer(toy)], out, RESUME, replace(RENDERING, model_digest="b" * 64))
    assert other.rendered == 35


def test_another_engine_keeps_what_is_there_and_the_manifest_tells_them_apart(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)], count=2)
    (tmp_path / "out/face0-plain.png").unlink()
    found, variants = prepare(tmp_path / "in", 2)
    result = run_batch(found, variants, [Renderer(toy)], tmp_path / "out", RESUME, replace(RENDERING, engine="other"))
    assert (result.rendered, result.kept) == (1, 9)
    outputs = json.loads(result.manifest.read_text())["outputs"]
    assert {name for name, entry in outputs.items() if entry["engine"] == "other"} == {"face0-plain.png"}


@pytest.mark.parametrize("after", [0, 1, 9, 34])
def test_stopped_and_resumed_is_the_same_as_unbroken(toy: Generator, tmp_path: Path, after: int) -> None:
    made(tmp_path / "unbroken", [Renderer(toy)])
    asked = iter(range(10**6))
    first = Renderer(toy)
    result = made(tmp_path / "broken", [first], should_stop=lambda: next(asked) >= after)
    assert result.interrupted
    assert result.rendered == sum(first.batches) == after
    assert result.manifest.exists()
    second = Renderer(toy)
    result = made(tmp_path / "broken", [second], RESUME)
    assert (result.rendered, result.kept, result.interrupted) == (35 - after, after, False)
    assert sum(second.batches) == 35 - after
    assert pictures(tmp_path / "broken/out") == pictures(tmp_path / "unbroken/out")
    assert leftovers(tmp_path / "broken/out") == []


def test_a_killed_run_leaves_nothing_that_misleads(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)], count=2)
    out = tmp_path / "out"
    before = pictures(out)
    (out / ".partial").mkdir()
    (out / ".partial/face1-style.png").write_bytes(b"half")
    lines = (out / "journal.ndjson").read_bytes().splitlines(keepends=True)
    lost = json.loads(lines[-1][9:])["output"]
    (out / "journal.ndjson").write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    (out / lost).write_bytes(b"renamed, but no commit vouches for it")
    result = made(tmp_path, [Renderer(toy)], RESUME, count=2)
    assert (result.rendered, result.kept) == (1, 9)
    assert pictures(out) == before
    assert leftovers(out) == []


def test_a_full_disk_stops_cleanly_and_resumes(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path / "unbroken", [Renderer(toy)])
    with small_file_system(tmp_path / "disk", "size=80k") as disk:
        found, variants = prepare(tmp_path / "in", 7)
        with pytest.raises(EnvironmentFault, match="disk is full"):
            run_batch(found, variants, [Renderer(toy)], disk / "out", OPTIONS, RENDERING)
        assert leftovers(disk / "out") in ([], ["manifest.json"])
        kept = len(pictures(disk / "out"))
        assert 0 < kept < 35
        remount(disk, "size=4m")
        result = run_batch(found, variants, [Renderer(toy)], disk / "out", RESUME, RENDERING)
        assert result.kept + result.rendered == 35
        assert result.kept >= kept - OPTIONS.group
        assert pictures(disk / "out") == pictures(tmp_path / "unbroken/out")
        assert leftovers(disk / "out") == []


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_journal_of_something_else_is_refused(toy: Generator, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/journal.ndjson").write_text("my diary\n")
    with pytest.raises(UsageError, match="is no journal"):
        made(tmp_path, [Renderer(toy)], RESUME)
    assert (tmp_path / "out/journal.ndjson").read_text() == "my diary\n"
