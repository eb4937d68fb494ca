"""Batches from latents to files: what is in them, and what is said about it."""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.batch.contact import batch_sheet
from i2s_trt.batch.jobs import collect_latents
from i2s_trt.batch.options import BatchOptions, BatchProgress, BatchResult, Rendering
from i2s_trt.batch.runner import run_batch
from i2s_trt.errors import EnvironmentFault, I2sError, ImageError, UsageError
from i2s_trt.images.decode import decode
from i2s_trt.images.encode import encoder
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer
from tests.batch.support import MODEL, collected, latents, leftovers, pictures, prepare, source

OPTIONS = BatchOptions(batch=4, writers=2, group=4)
RENDERING = Rendering("toy", MODEL, "torch")


class Renderer(TorchSynthesizer):
    """The real one, counting, and failing for latents that hold a certain number."""

    def __init__(self, generator: Generator, poison: float = float("nan"), error: Exception | None = None) -> None:
        super().__init__(generator)
        self.batches: list[int] = []
        self._poison, self._error = poison, error

    def __call__(self, w_plus: WPlus) -> Pixels:
        self.batches.append(len(w_plus))
        if self._error and (w_plus == self._poison).any():
            raise self._error
        return super().__call__(w_plus)


def made(
    folder: Path, renderers: Sequence[Renderer], options: BatchOptions = OPTIONS, count: int = 7, **more: Any
) -> BatchResult:
    found, variants = prepare(folder / "in", count)
    return run_batch(found, variants, renderers, folder / "out", options, RENDERING, **more)


def test_every_output_is_the_edit_rendered_and_encoded(toy: Generator, tmp_path: Path) -> None:
    renderer = Renderer(toy)
    result = made(tmp_path, [renderer])
    assert (result.total, result.rendered, result.kept, result.failures) == (35, 35, 0, ())
    assert not result.interrupted
    assert result.rate == pytest.approx(35 / result.seconds)
    assert renderer.batches == [4] * 8 + [3]
    files = pictures(tmp_path / "out")
    assert len(files) == 35
    found, variants = prepare(tmp_path / "in", 7)
    plain = TorchSynthesizer(toy)
    for latent in found:
        for variant in variants:
            expected = plain(variant.apply(latent.read())[None])[0]
            assert files[f"{latent.name}-{variant.name}.png"] == encoder("png")(expected)
    assert leftovers(tmp_path / "out") == []


@pytest.mark.parametrize(("batch", "renderers", "writers", "group"), [(1, 1, 1, 1), (3, 2, 4, 2), (16, 3, 8, 64)])
def test_neither_batches_nor_threads_change_a_byte(
    toy: Generator, tmp_path: Path, batch: int, renderers: int, writers: int, group: int
) -> None:
    made(tmp_path / "one", [Renderer(toy)])
    options = BatchOptions(batch, writers=writers, group=group)
    made(tmp_path / "other", [Renderer(toy) for _ in range(renderers)], options)
    assert pictures(tmp_path / "other/out") == pictures(tmp_path / "one/out")


def test_numbers_of_threads_that_differ_are_told(toy: Generator, tmp_path: Path) -> None:
    found, variants = prepare(tmp_path / "in", 7)
    for threads, resume in ((2, False), (1, True)):
        told: list[tuple[int, ...]] = []
        options = replace(OPTIONS, resume=resume)
        asked = iter(range(100))
        run_batch(
            found, variants, [Renderer(toy)], tmp_path / "out", options, replace(RENDERING, threads=threads),
            lambda progress, told=told: told.append(progress.threads),  # type: ignore[misc]
            lambda resume=resume, asked=asked: not resume and next(asked) > 20,  # type: ignore[misc]
        )  # fmt: skip
        assert set(told) == ({(1, 2)} if resume else {(2,)})
    entries = json.loads((tmp_path / "out/manifest.json").read_text())["outputs"].values()
    assert {entry["threads"] for entry in entries} == {1, 2}


def test_the_manifest_maps_each_output_to_what_made_it(toy: Generator, tmp_path: Path) -> None:
    result = made(tmp_path, [Renderer(toy)], count=4)
    manifest = json.loads(result.manifest.read_text())
    assert (manifest["model"], manifest["model_digest"], manifest["failures"]) == ("toy", MODEL, [])
    files = pictures(tmp_path / "out")
    assert set(manifest["outputs"]) == set(files)
    for name, entry in manifest["outputs"].items():
        assert entry["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert entry["size"] == len(files[name])
        assert entry["engine"] == "torch"
    entry = manifest["outputs"]["face1-mean_0.png"]
    assert entry["latent"].endswith("face1.npy")
    assert entry["edit"] == "mean"
    assert entry["parameters"] == {"operation": "truncation", "psi": 0.8}
    assert manifest["outputs"]["many-style.png"]["parameters"]["style"] == "style.npy"


def test_progress_grows_to_the_end(toy: Generator, tmp_path: Path) -> None:
    told: list[BatchProgress] = []
    made(tmp_path, [Renderer(toy)], report=told.append)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert (done[-1], told[-1].total, told[-1].remaining) == (35, 35, 0)
    assert all(progress.rate > 0 for progress in told)


@pytest.mark.parametrize(("name", "suffix"), [("jpeg", ".jpg"), ("webp", ".webp")])
def test_other_formats(toy: Generator, tmp_path: Path, name: Any, suffix: str) -> None:
    made(tmp_path, [Renderer(toy)], replace(OPTIONS, picture_format=name), count=2)
    files = sorted((tmp_path / "out").glob(f"*{suffix}"))
    assert len(files) == 10
    assert {decode(file).shape for file in files} == {(16, 16, 3)}


def test_a_sheet_shows_latents_by_variants(toy: Generator, tmp_path: Path) -> None:
    made(tmp_path, [Renderer(toy)], count=2)
    found, variants = prepare(tmp_path / "in", 2)
    sheet = batch_sheet(tmp_path / "out", found, variants)
    np.testing.assert_array_equal(sheet[-16:, -16:], decode(tmp_path / "out/face1-style.png"))
    assert sheet.shape[0] > 2 * 16
    assert sheet.shape[1] > 5 * 16
    with pytest.raises(ImageError, match="none of the outputs"):
        batch_sheet(tmp_path / "in", found, variants)


def test_a_corrupt_latent_and_failing_jobs_are_left_out_and_told(toy: Generator, tmp_path: Path) -> None:
    prepare(tmp_path / "in", 3, '[[edit]]\nname = "grow"\noperation = "direction"\nfile = "face2.npy"\nstrength = 1e38')
    (tmp_path / "in/face1.npy").write_bytes(b"broken")
    huge = np.full((6, 24), 9e3, np.float32)
    huge[0, 0] = 77.0
    np.save(tmp_path / "in/face2.npy", huge)
    renderer = Renderer(toy, 77.0, I2sError("the engine refuses 77", "take another"))
    found, variants = collected(tmp_path / "in")
    result = run_batch(found, variants, [renderer], tmp_path / "out", OPTIONS, RENDERING)
    told = {failure.source: (failure.outputs, failure.message) for failure in result.failures}
    assert told[str(tmp_path / "in/face1.npy")][0] == 6
    assert told["face2-plain.png"] == (1, "the engine refuses 77\n  hint: take another")
    assert "not finite" in told["face0-grow.png"][1]
    assert set(pictures(tmp_path / "out")) >= {"face0-plain.png", "face0-style.png"}
    assert result.rendered + sum(failure.outputs for failure in result.failures) == result.total == 18
    manifest = json.loads(result.manifest.read_text())
    assert {failure["source"] for failure in manifest["failures"]} == set(told)
    assert "face2-plain.png" not in manifest["outputs"]


def test_an_output_whose_name_is_taken_by_a_folder_fails_alone(toy: Generator, tmp_path: Path) -> None:
    (tmp_path / "out/face0-plain.png").mkdir(parents=True)
    (tmp_path / "out/face0-plain.png/full").touch()
    result = made(tmp_path, [Renderer(toy)], count=1)
    assert [failure.source for failure in result.failures] == ["face0-plain.png"]
    assert result.rendered == 4
    long = tmp_path / f"{'x' * 250}.npy"
    np.save(long, latents(1)[0])
    variants = prepare(tmp_path / "in", 1)[1]
    result = run_batch(collect_latents([long], [], source()), variants, [Renderer(toy)], tmp_path / "out2", OPTIONS)
    assert len(result.failures) == 5
    assert "File name too long" in result.failures[0].message
    assert leftovers(tmp_path / "out2") == []


def test_an_engine_that_cannot_run_ends_the_batch_once_what_it_made_is_committed(
    toy: Generator, tmp_path: Path
) -> None:
    prepare(tmp_path / "in", 3)
    fault = EnvironmentFault("the GPU has gone", "look for it")
    poison = float(latents(3)[1, 0, 0])
    with pytest.raises(EnvironmentFault, match="the GPU has gone"):
        made(tmp_path, [Renderer(toy, poison, fault)], replace(OPTIONS, batch=1), count=3)
    assert leftovers(tmp_path / "out") == []
    assert len(pictures(tmp_path / "out")) == 5, "all of the latent before"
    result = made(tmp_path, [Renderer(toy)], replace(OPTIONS, resume=True), count=3)
    assert (result.rendered, result.kept) == (10, 5)


def test_one_of_two_engines_that_cannot_run_takes_nothing_from_the_other(toy: Generator, tmp_path: Path) -> None:
    fault = EnvironmentFault("the GPU has gone", "look for it")
    begun = threading.Event()

    class Slow(Renderer):
        def __call__(self, w_plus: WPlus) -> Pixels:
            begun.set()
            time.sleep(0.3)
            return super().__call__(w_plus)

    class Broken(Renderer):
        def __call__(self, w_plus: WPlus) -> Pixels:
            begun.wait()
            raise fault

    slow = Slow(toy)
    with pytest.raises(EnvironmentFault, match="the GPU has gone"):
        made(tmp_path, [Broken(toy), slow])
    assert len(pictures(tmp_path / "out")) == sum(slow.batches) == 4


def test_two_batches_cannot_write_into_one_folder(toy: Generator, tmp_path: Path) -> None:
    class Nested(Renderer):
        def __call__(self, w_plus: WPlus) -> Pixels:
            if not self.batches:
                with pytest.raises(UsageError, match="another batch is writing into"):
                    made(tmp_path, [Renderer(toy)])
            return super().__call__(w_plus)

    assert made(tmp_path, [Nested(toy)]).rendered == 35
