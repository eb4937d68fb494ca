"""`i2s-trt embed` on real photographs: results, determinism, options, and everything that can go wrong."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.latents import read_latent
from tests.cli.support import (
    I2s,
    invoke,
    limit_file_size,
    names,
    refused,
    results,
    same_embedding,
    says,
    small_file_system,
)

Quick = tuple[object, ...]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs in a folder."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "cat", "coffee"):
        shutil.copy(example_path(name), folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def single(photos: Path, tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Path:
    """The photographs embedded one by one."""
    folder = tmp_path_factory.mktemp("single")
    for photo in sorted(photos.iterdir()):
        assert invoke("embed", photo, *quick, "-o", folder).exit_code == 0
    return folder


def half_jpeg(path: Path) -> Path:
    buffer = BytesIO()
    Image.open(example_path("astronaut")).save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue()[: buffer.tell() // 2])
    return path


def test_a_photograph_leaves_five_files(i2s: I2s, astronaut: Path, tmp_path: Path, single: Path, quick: Quick) -> None:
    run = i2s("embed", astronaut, *quick, "-o", "out")
    assert run.code == 0, run.err
    assert names(tmp_path / "out") == results("astronaut")
    for word in ("small (16x16, 6 layers, on cpu)", "features: random", "astronaut: loss", "results:  out"):
        assert word in run.out
    assert decode(tmp_path / "out/astronaut.png").shape == (16, 16, 3)
    assert decode(tmp_path / "out/astronaut-strip.png").shape == (16, 36, 3)
    assert len((tmp_path / "out/astronaut-curve.csv").read_text().splitlines()) == 6
    latent = read_latent(tmp_path / "out/astronaut.safetensors")
    assert (latent.status, latent.extra["source"], latent.curve.shape) == ("finished", "astronaut.png", (5, 6))
    assert same_embedding(tmp_path / "out/astronaut.safetensors", single / "astronaut.safetensors")


def test_a_folder_in_one_batch_equals_single_runs(
    i2s: I2s, photos: Path, tmp_path: Path, single: Path, quick: Quick
) -> None:
    run = i2s("embed", photos, *quick, "--batch", 3, "-o", "out", "--json")
    assert (run.code, run.err) == (0, "")
    assert names(tmp_path / "out") == results("astronaut", "cat", "coffee")
    for name in ("astronaut", "cat", "coffee"):
        found, expected = (read_latent(folder / f"{name}.safetensors") for folder in (tmp_path / "out", single))
        assert np.abs(found.w_plus - expected.w_plus).max() <= 1e-5
    kinds = [event["event"] for event in run.events]
    assert kinds[:4] == ["model", "features", "precision", "start"]
    assert kinds[-4:] == ["done", "done", "done", "end"]
    assert kinds.count("progress") == 5


def test_one_bad_picture_among_good_ones(i2s: I2s, photos: Path, tmp_path: Path, quick: Quick) -> None:
    half = half_jpeg(tmp_path / "half.jpg")
    run = i2s("embed", photos / "cat.png", half, *quick, "--batch", 2, "-o", "out", "--json")
    assert run.code == 1
    failed = next(event for event in run.events if event["event"] == "failed")
    assert (failed["name"], "half.jpg is truncated" in failed["error"]) == ("half", True)
    assert run.events[-1]["failed"] == ["half"]
    assert names(tmp_path / "out") == results("cat")


def test_only_bad_pictures(i2s: I2s, tmp_path: Path, quick: Quick) -> None:
    half = half_jpeg(tmp_path / "half.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    says(i2s("embed", half, "text.jpg", "none.png", *quick, "-o", "out"), 2, "half.jpg is truncated", "text.jpg is not")
    assert names(tmp_path / "out") == []


def test_a_learning_rate_that_diverges(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    done = invoke("embed", astronaut, *quick, "--learning-rate", 1e30, "-o", tmp_path)
    refused(done, 1, "no longer finite", "hint: use a smaller --learning-rate")
    latent = read_latent(tmp_path / "astronaut.safetensors")
    assert latent.status == "diverged"
    assert np.isfinite(latent.w_plus).all()
    assert names(tmp_path) == results("astronaut")


def test_a_full_disk_leaves_nothing_half_written(
    i2s: I2s, astronaut: Path, tmp_path: Path, single: Path, quick: Quick
) -> None:
    arguments = ("embed", astronaut, *quick, "-o", "out")
    says(i2s(*arguments, preexec_fn=limit_file_size(10_000)), 3, "disk is full", "--resume")
    for name in names(tmp_path / "out"):
        assert name in results("astronaut")
        assert name.endswith(".csv") or decode(tmp_path / "out" / name).size
    assert "astronaut.safetensors" not in names(tmp_path / "out")
    assert invoke("embed", astronaut, *quick, "-o", tmp_path / "out", "--resume").exit_code == 0
    assert same_embedding(tmp_path / "out/astronaut.safetensors", single / "astronaut.safetensors")
    assert names(tmp_path / "out") == results("astronaut")


def test_a_read_only_output_folder(i2s: I2s, astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    with small_file_system(tmp_path / "disk", "size=1m,ro") as folder:
        says(i2s("embed", astronaut, *quick, "-o", folder), 3, "cannot be written", "folder you may write to")


def test_an_output_name_that_a_file_has(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    (tmp_path / "out").touch()
    refused(invoke("embed", astronaut, *quick, "-o", tmp_path / "out"), 2, "out is not a folder", "-o")


def test_originals_are_never_overwritten(photos: Path, quick: Quick) -> None:
    before = (photos / "cat.png").read_bytes()
    refused(invoke("embed", photos / "cat.png", *quick, "-o", photos), 2, "would overwrite", "-o")
    refused(invoke("embed", photos, *quick, "-o", f"{photos}/../{photos.name}"), 2, "would overwrite")
    assert (photos / "cat.png").read_bytes() == before
    assert names(photos) == ["astronaut.png", "cat.png", "coffee.png"]


def test_resume_skips_what_is_finished_and_tidies_up(photos: Path, tmp_path: Path, single: Path, quick: Quick) -> None:
    for name in results("cat"):
        shutil.copy(single / name, tmp_path)
    (tmp_path / ".cat.png.0123.tmp").touch()
    done = invoke("embed", photos / "cat.png", *quick, "-o", tmp_path, "--resume")
    assert "cat: already embedded with these settings" in done.output
    assert names(tmp_path) == results("cat")


def test_resume_keeps_a_result_of_other_settings_unless_told(
    i2s: I2s, photos: Path, tmp_path: Path, single: Path, quick: Quick
) -> None:
    for name in results("cat"):
        shutil.copy(single / name, tmp_path)
    before = (tmp_path / "cat.safetensors").read_bytes()
    command = ("embed", photos / "cat.png", *quick[:-1], 7, "-o", tmp_path, "--resume")
    says(i2s(*command), 2, "cat.safetensors was made otherwise and is kept: steps 5 -> 7", "--overwrite")
    assert (tmp_path / "cat.safetensors").read_bytes() == before
    done = invoke(*command, "--overwrite")
    assert (done.exit_code, "cat: replacing the result that is there: steps 5 -> 7" in done.output) == (0, True)
    assert read_latent(tmp_path / "cat.safetensors").options["steps"] == 7
    assert "already embedded" in invoke(*command, "--overwrite").output


def test_two_pictures_of_one_name(photos: Path, tmp_path: Path, quick: Quick) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(photos / "coffee.png", tmp_path / "other/cat.png")
    assert invoke("embed", photos / "cat.png", tmp_path / "other", *quick, "-o", tmp_path / "out").exit_code == 0
    assert names(tmp_path / "out") == results("cat", "cat-2")


@pytest.mark.parametrize(
    ("words", "recorded"), [
        (["--init", "random", "--seed", "4"], ("init", "random")), (["--init", "mean"], ("init", "mean")),
        (["--space", "w"], ("space", "w")), (["--space", "z"], ("space", "z")),
        (["--noise", "resampled"], ("noise", "resampled")), (["--noise", "7"], ("noise", 7)),
        (["--plateau", "2"], ("plateau_steps", 2)), (["--fit", "pad"], ("space", "w+")),
    ], ids=str,
)  # fmt: skip
def test_options_are_used_and_recorded(
    cat: Path, tmp_path: Path, single: Path, words: list[str], recorded: tuple[str, object], quick: Quick
) -> None:
    assert invoke("embed", cat, *quick, *words, "-o", tmp_path).exit_code == 0
    latent = read_latent(tmp_path / "chelsea.safetensors")
    assert latent.options[recorded[0]] == recorded[1]
    assert latent.w_plus.shape == (6, 24)
    usual = read_latent(single / "cat.safetensors")
    assert np.array_equal(latent.w_plus, usual.w_plus) == (words in (["--init", "mean"], ["--plateau", "2"]))


@pytest.mark.parametrize(
    ("words", "terms"), [
        (["--layers", "none"], ("total", "pixel")),
        (["--pixel-weight", "0", "--layers", "conv3_2"], ("total", "conv3_2")),
        (["--layers", "none", "--prior", "0.06"], ("total", "pixel", "prior")),
        (["--layers", "conv1_1=2,conv4_2=0"], ("total", "pixel", "conv1_1")),
        (["--style-image", "CAT", "--style-weight", "3", "--layers", "none"], ("total", "pixel", "style")),
    ], ids=str,
)  # fmt: skip
def test_loss_terms_are_chosen(
    astronaut: Path, cat: Path, tmp_path: Path, words: list[str], terms: tuple[str, ...], quick: Quick
) -> None:
    words = [str(cat) if word == "CAT" else word for word in words]
    done = invoke("embed", astronaut, *quick, *words, "--before-relu", "--input-scale", "unit", "-o", tmp_path)
    assert done.exit_code == 0
    assert read_latent(tmp_path / "astronaut.safetensors").curve_terms == terms


def test_a_latent_file_to_start_from(astronaut: Path, tmp_path: Path, single: Path, quick: Quick) -> None:
    start = single / "astronaut.safetensors"
    assert invoke("embed", astronaut, *quick[:-1], 0, "--init", start, "-o", tmp_path).exit_code == 0
    found = read_latent(tmp_path / "astronaut.safetensors")
    np.testing.assert_array_equal(found.w_plus, read_latent(start).w_plus)
    assert (found.options["init"], len(found.options["init_digest"])) == ("latent", 64)
    np.save(tmp_path / "wide.npy", np.zeros((18, 512), np.float32))
    refused(invoke("embed", astronaut, *quick, "--init", tmp_path / "wide.npy"), 2, "[18, 512]", "--model")


@pytest.mark.parametrize(
    ("words", "message"), [
        (["--space", "q"], "--space 'q' is not one of w+, w, z"), (["--fit", "stretch"], "crop, pad"),
        (["--resize", "nearest"], "area, bilinear"), (["--input-scale", "9"], "mean-255, normalized"),
        (["--label", "1"], r"no part in W"), (["--label", "1", "--space", "z"], "unconditional"),
        (["--noise", "optimised", "--schedule", "fast"], "same noise at every step"),
        (["--noise", "optimised", "--precision", "bf16"], "not optimised in bf16"),
        (["--noise", "often"], "neither stored"), (["--noise", "²"], "neither stored"), (["--noise", "-1"], ""),
        (["--layers", "conv9_9"], "no VGG-16 layer named conv9_9"), (["--layers", "conv1_1=x"], "is not a weight"),
        (["--layers", "conv1_1=nan"], "is not a weight"), (["--layers", "none", "--pixel-weight", "0"], "above 0"),
        (["--pixel-weight", "-1"], "negative"), (["--pixel-weight", "nan"], "--pixel-weight"),
        (["--prior", "-1"], "negative"), (["--prior", "inf"], "--prior"),
        (["--style-weight", "inf"], "--style-weight"), (["--learning-rate", "0"], "learning_rate > 0"),
        (["--learning-rate", "nan"], "learning"), (["--learning-rate", "fast"], "--learning-rate"),
        (["--steps", "-1"], "--steps"), (["--steps", "1.5"], "--steps"), (["--batch", "0"], "--batch"),
        (["--plateau", "-1"], "--plateau"), (["--perceptual-size", "-1"], "--perceptual-size"),
        (["--seed", "x"], "--seed"), (["--device", "tpu"], "no device named tpu"), (["--device", ""], "no device"),
        (["--device", "cpux"], "no device named cpux"), (["--features", "none.pth"], "--features 'none.pth'"),
        (["--init", "none.safetensors"], "none.safetensors cannot be read"),
        (["--init", "middle"], "not a latent file"), (["--style-image", "none.png"], "none.png does not exist"),
        (["-m", "unknown"], "no model or file named unknown"),
        (["-m", "random-17"], "17"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(astronaut: Path, tmp_path: Path, words: list[str], message: str, quick: Quick) -> None:
    refused(invoke("embed", astronaut, *quick, "-o", tmp_path / "out", *words), 2, message)
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") == []


def test_a_gpu_that_is_not_there(astronaut: Path, quick: Quick) -> None:
    name = f"cuda:{torch.cuda.device_count()}"
    refused(invoke("embed", astronaut, *quick, "--device", name), 3, f"no CUDA device {name}", "--device cpu")


def test_a_folder_without_pictures(tmp_path: Path, quick: Quick) -> None:
    refused(invoke("embed", tmp_path, *quick), 2, "no pictures in", "name picture files")


def test_the_built_in_model_brings_its_curvature_along(i2s: I2s, astronaut: Path) -> None:
    run = i2s("embed", astronaut, "--no-align", "--schedule", "fast", "--steps", 1, "--prior", 3, "-o", "out")
    assert run.code == 0, run.err
    assert "schedule: fast, 1 steps\n" in run.out, "nothing is measured first"
