"""Embedding files into a folder: what is written, what survives, what fails alone."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.job import EmbedJob, JobEvent, JobResult
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.outputs import Outputs, unique_names
from i2s_trt.embedding.run.snapshot import load_snapshot, snapshot_key
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

OPTIONS = EmbedOptions(steps=8, learning_rate=0.05)
Runner = Callable[..., list[JobResult]]


@pytest.fixture
def events() -> list[JobEvent]:
    return []


@pytest.fixture
def run(toy: Generator, vgg: Vgg16, tmp_path: Path, events: list[JobEvent]) -> Runner:
    def run_job(
        sources: list[Path],
        folder: str = "out",
        options: EmbedOptions = OPTIONS,
        stop: Callable[[], bool] = lambda: False,
        **job: object,
    ) -> list[JobResult]:
        settings = JobOptions(**job)  # type: ignore[arg-type]
        return EmbedJob(toy, vgg, options, settings, tmp_path / folder, events.append, stop).run(sources)

    return run_job


def stop_after(calls: int) -> Callable[[], bool]:
    """True from the given call on."""
    left = [calls]

    def ask() -> bool:
        left[0] -= 1
        return left[0] < 0

    return ask


def test_everything_is_written_for_each_picture(run: Runner, tmp_path: Path, astronaut: Path, cat: Path) -> None:
    results = run([astronaut, cat])
    assert [(r.name, r.status) for r in results] == [("astronaut", "finished"), ("chelsea", "finished")]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    endings = ["-curve.csv", "-curve.png", "-strip.png", ".png", ".safetensors"]
    assert names == sorted(stem + end for stem in ("astronaut", "chelsea") for end in endings)
    outputs = Outputs(tmp_path / "out", "astronaut")
    assert decode(outputs.picture).shape == (16, 16, 3)
    assert decode(outputs.strip).shape == (16, 36, 3)
    with outputs.curve.open() as stream:
        rows = list(csv.DictReader(stream))
    latent = read_latent(outputs.latent)
    assert [int(row["step"]) for row in rows] == list(range(8))
    assert float(rows[0]["total"]) == pytest.approx(latent.curve[0, 0], rel=1e-5)
    assert latent.extra["source"] == "astronaut.png"


def test_a_broken_picture_fails_alone(run: Runner, tmp_path: Path, astronaut: Path, events: list[JobEvent]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(astronaut.read_bytes()[:5000])
    results = run([broken, astronaut], batch=2)
    assert [r.status for r in results] == ["failed", "finished"]
    assert "broken.png" in str(results[0].error)
    assert [event.kind for event in events if event.name == "broken"] == ["failed"]
    assert not list((tmp_path / "out").glob("broken*"))


@pytest.mark.parametrize("batch", [1, 2])
def test_an_interrupted_run_resumes_to_the_same_result(
    run: Runner, tmp_path: Path, astronaut: Path, cat: Path, batch: int
) -> None:
    run([astronaut, cat], "whole", batch=batch)
    first = run([astronaut, cat], "broken", batch=batch, stop=stop_after(5))
    assert [r.status for r in first] == ["interrupted"] * batch
    assert (tmp_path / "broken" / ".astronaut.snapshot").exists()
    second = run([astronaut, cat], "broken", batch=batch, resume=True)
    assert [r.status for r in second] == ["finished", "finished"]
    for name in ("astronaut", "chelsea"):
        whole, resumed = (read_latent(tmp_path / folder / f"{name}.safetensors") for folder in ("whole", "broken"))
        np.testing.assert_array_equal(whole.w_plus, resumed.w_plus)
        np.testing.assert_array_equal(whole.curve, resumed.curve)
    assert not list((tmp_path / "broken").glob(".*"))


def test_snapshots_are_taken_while_running_and_go_when_done(
    run: Runner, toy: Generator, vgg: Vgg16, tmp_path: Path, astronaut: Path, events: list[JobEvent]
) -> None:
    path = tmp_path / "out" / ".astronaut.snapshot"
    seen: list[bool] = []

    def look() -> bool:
        seen.append(path.exists())
        return False

    run([astronaut], stop=look, snapshot_seconds=0.0)
    assert seen.count(True) == 8
    assert not path.exists()
    assert load_snapshot(path, RunKey("", "", {}, "")) is None
    assert snapshot_key(path) is None


def test_another_number_of_threads_is_noted_when_a_run_goes_on(
    run: Runner, events: list[JobEvent], astronaut: Path
) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        run([astronaut], stop=stop_after(2))
        torch.set_num_threads(1)
        run([astronaut], resume=True, stop=stop_after(2))
    finally:
        torch.set_num_threads(before)
    (warning,) = [event.data["message"] for event in events if event.kind == "warning"]
    assert "begun with OMP_NUM_THREADS=2 and goes on with 1" in warning


def test_finished_pictures_are_kept_on_resume_and_redone_without(
    run: Runner, tmp_path: Path, astronaut: Path, events: list[JobEvent]
) -> None:
    run([astronaut])
    before = (tmp_path / "out" / "astronaut.safetensors").stat().st_mtime_ns
    assert [r.status for r in run([astronaut], resume=True)] == ["skipped"]
    assert (tmp_path / "out" / "astronaut.safetensors").stat().st_mtime_ns == before
    assert [r.status for r in run([astronaut])] == ["finished"]
    assert (tmp_path / "out" / "astronaut.safetensors").stat().st_mtime_ns > before


def said(events: list[JobEvent]) -> list[str]:
    """What was warned of."""
    return [event.data["message"] for event in events if event.kind == "warning" and "pixels" not in str(event.data)]


def test_an_unfinished_run_of_other_settings_or_another_picture_is_begun_afresh_and_said(
    run: Runner, tmp_path: Path, astronaut: Path, cat: Path, events: list[JobEvent]
) -> None:
    run([astronaut], stop=stop_after(4))
    run([astronaut], resume=True, options=EmbedOptions(steps=9, learning_rate=0.05), stop=stop_after(4))
    shutil.copy(cat, tmp_path / "astronaut.png")
    run([tmp_path / "astronaut.png"], resume=True)
    start = "starting afresh; the unfinished run that is there was made otherwise: "
    assert said(events) == [
        start + "steps 8 -> 9", start + "another picture, or another part of it, steps 9 -> 8"
    ]  # fmt: skip
    assert not [event for event in events if event.kind in ("resumed", "skipped")]


def test_a_finished_result_of_other_settings_is_kept_and_refused(
    run: Runner, tmp_path: Path, astronaut: Path, cat: Path, events: list[JobEvent]
) -> None:
    run([astronaut])
    latent = tmp_path / "out" / "astronaut.safetensors"
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    other = EmbedOptions(steps=9, learning_rate=0.1, objective=ObjectiveOptions(layer_weights={"conv3_2": 2.0}))
    (kept, fine) = run([astronaut, cat], resume=True, options=other, batch=2)
    assert (kept.status, fine.status) == ("failed", "finished")
    assert "astronaut.safetensors was made otherwise and is kept: steps 8 -> 9, learning rate 0.05 -> 0.1, " in str(
        kept.error
    )
    assert "-> conv3_2=2.0" in str(kept.error)
    assert "another folder with -o, or add --overwrite" in str(kept.error)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in before} == before
    assert [r.status for r in run([astronaut, cat], resume=True, overwrite=True, options=other)] == [
        "finished", "skipped"
    ]  # fmt: skip
    assert said(events)[-1].startswith("replacing the result that is there: steps 8 -> 9, ")
    assert read_latent(latent).options["steps"] == 9


def test_a_finished_result_of_another_picture_model_or_style_is_kept_and_refused(
    run: Runner, toy: Generator, vgg: Vgg16, tmp_path: Path, astronaut: Path, cat: Path
) -> None:
    styled = EmbedOptions(steps=2, objective=ObjectiveOptions(style_weight=1.0))
    run([astronaut], options=styled, style_picture=cat)
    assert [r.status for r in run([astronaut], options=styled, style_picture=cat, resume=True)] == ["skipped"]
    (style,) = run([astronaut], options=styled, style_picture=astronaut, resume=True)
    assert "is kept: another style picture\n" in str(style.error)
    shutil.copy(cat, tmp_path / "astronaut.png")
    (picture,) = run([tmp_path / "astronaut.png"], options=styled, style_picture=cat, resume=True)
    assert "is kept: another picture, or another part of it\n" in str(picture.error)
    other = Generator.from_weights(random_weights(standard_spec(16, 16, 24), seed=4))
    job = EmbedJob(other, vgg, styled, JobOptions(resume=True, style_picture=cat), tmp_path / "out")
    (model,) = job.run([astronaut])
    assert "is kept: another model\n" in str(model.error)


def test_a_result_that_was_to_be_replaced_is_replaced_on_resume(
    run: Runner, tmp_path: Path, astronaut: Path, events: list[JobEvent]
) -> None:
    """Killed while it replaced a result, a run goes on from its snapshot, whose settings are the wanted ones."""
    run([astronaut])
    latent = (tmp_path / "out" / "astronaut.safetensors").read_bytes()
    other = EmbedOptions(steps=9, learning_rate=0.05)
    run([astronaut], options=other, stop=stop_after(4))
    (tmp_path / "out" / "astronaut.safetensors").write_bytes(latent)  # as it is after a kill
    assert [r.status for r in run([astronaut], resume=True, options=other)] == ["finished"]
    assert [event.data["step"] for event in events if event.kind == "resumed"] == [4]
    assert not list((tmp_path / "out").glob(".*"))


def test_a_snapshot_that_outlived_its_result_goes(run: Runner, tmp_path: Path, astronaut: Path) -> None:
    run([astronaut], stop=stop_after(4))
    snapshot = tmp_path / "out" / ".astronaut.snapshot"
    kept = snapshot.read_bytes()
    run([astronaut], resume=True)
    snapshot.write_bytes(kept)
    assert [r.status for r in run([astronaut], resume=True)] == ["skipped"]
    assert not snapshot.exists()


def test_a_damaged_snapshot_or_latent_is_not_trusted(
    run: Runner, tmp_path: Path, astronaut: Path, events: list[JobEvent]
) -> None:
    run([astronaut], stop=stop_after(4))
    snapshot = tmp_path / "out" / ".astronaut.snapshot"
    snapshot.write_bytes(snapshot.read_bytes()[:100])
    assert [r.status for r in run([astronaut], resume=True)] == ["finished"]
    assert said(events) == ["starting afresh; the unfinished run that is there cannot be read"]
    latent = tmp_path / "out" / "astronaut.safetensors"
    latent.write_bytes(latent.read_bytes()[:-7])
    assert [r.status for r in run([astronaut], resume=True)] == ["finished"]
    assert read_latent(latent).status == "finished"


def test_grey_turned_and_transparent_pictures_work(run: Runner, tmp_path: Path, astronaut: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.open(astronaut).convert("LA").rotate(90).save(grey)
    assert [r.status for r in run([grey])] == ["finished"]


def test_a_missing_style_picture_is_an_error_at_once(run: Runner, tmp_path: Path, astronaut: Path) -> None:
    with pytest.raises(Exception, match=r"style\.png does not exist"):
        run([astronaut], style_picture=tmp_path / "style.png")


def test_an_output_folder_that_is_a_file_is_refused(run: Runner, tmp_path: Path, astronaut: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(UsageError, match="not a folder"):
        run([astronaut])


def test_a_full_disk_ends_the_run_and_keeps_what_was_there(
    run: Runner, tmp_path: Path, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run([astronaut])
    before = (tmp_path / "out" / "astronaut.safetensors").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(EnvironmentFault, match="the disk is full") as caught:
            run([astronaut], options=EmbedOptions(steps=3))
    assert "run the same command again" in caught.value.hint  # the command adds --resume where it has it
    assert (tmp_path / "out" / "astronaut.safetensors").read_bytes() == before
    assert not list((tmp_path / "out").glob("*.tmp"))
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_names_are_stems_made_unique() -> None:
    paths = [Path("a/x.png"), Path("b/x.jpg"), Path("x-2.png"), Path("y.png")]
    assert unique_names(paths) == ["x", "x-2", "x-2-2", "y"]
    assert unique_names([Path("a.jpg"), Path("a-strip.jpg"), Path("a-curve.png")]) == ["a", "a-strip-2", "a-curve-2"]


def test_any_file_name_will_do(run: Runner, tmp_path: Path, astronaut: Path) -> None:
    names = ["$\\frac$ 50%.png", "läuft [1].png", b"caf\xe9.png".decode("utf-8", "surrogateescape")]
    for name in names:
        shutil.copy(astronaut, tmp_path / name)
    assert [r.status for r in run([tmp_path / name for name in names])] == ["finished"] * 3
