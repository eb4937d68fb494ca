"""`i2s-trt edit`: recipes crossed with latents, also when it is killed, interrupted or out of disk."""

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit.operations import truncate
from i2s_trt.images.decode import decode
from i2s_trt.images.encode import encoder
from i2s_trt.latents import Latent, save_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from tests.batch.support import leftovers, pictures
from tests.cli.support import I2s, invoke, names, refused, says, small_file_system
from tests.conftest import command

RECIPE = """
[[edit]]
name = "calm"
operation = "truncation"
psi = { from = 1, to = 0, steps = 5 }

[[edit]]
name = "styled"
operation = "crossover"
style = "seed:9"
"""
GREEDY = '[[edit]]\nname = "calm"\noperation = "truncation"\npsi = { from = 1, to = 0, steps = 200 }\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "recipe.toml"


def test_every_edit_of_every_latent(i2s: I2s, small: Path, recipe: Path, tmp_path: Path) -> None:
    generator = load_generator(small)
    (tmp_path / "faces").mkdir()
    w_plus = w_plus_from_seed(generator, 1)
    save_latent(tmp_path / "faces/ann.safetensors", Latent(w_plus, model_digest=generator.digest))
    words = ("edit", recipe, "faces", "--seeds", "7", "-m", small, "--sheet", "sheets/all.png")
    run = i2s(*words)
    assert run.code == 0, run.err
    assert "recipe:   6 variants of 2 latents: 12 pictures" in run.out
    assert "12 pictures rendered at" in run.out
    out = tmp_path / "edited"
    assert sorted(pictures(out)) == sorted(
        f"{name}-{edit}.png" for name in ("ann", "seed0007") for edit in (*(f"calm_{n}" for n in range(5)), "styled")
    )
    expected = TorchSynthesizer(generator)(truncate(w_plus, generator.mean_w.numpy(), 0.25)[None])[0]
    assert pictures(out)["ann-calm_3.png"] == encoder("png")(expected)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["model_digest"] == generator.digest
    assert manifest["outputs"]["ann-calm_3.png"]["parameters"] == {"operation": "truncation", "psi": 0.25}
    assert leftovers(out) == []
    sheet = decode(tmp_path / "sheets/all.png")
    np.testing.assert_array_equal(sheet[-16:, -16:], decode(out / "seed0007-styled.png"))
    again = i2s(*words, "--resume", "--json")
    assert (again.code, again.err) == (0, "")
    (end,) = (event for event in again.events if event["event"] == "end")
    assert (end["rendered"], end["kept"], end["total"], end["failures"]) == (0, 12, 12, [])


def test_directions_are_told_with_their_norm(small: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "age.npy", np.eye(1, 24) * 3)
    (tmp_path / "r.toml").write_text(
        '[[edit]]\nname = "age"\noperation = "direction"\nfile = "age.npy"\nstrength = [-1, 1]'
    )
    done = invoke("edit", tmp_path / "r.toml", "--seeds", 1, "-m", small, "-o", tmp_path / "out", "--format", "webp")
    assert done.exit_code == 0, done.output
    assert "direction: age.npy [1, 24], norm 3.000" in done.output
    assert sorted(pictures(tmp_path / "out")) == ["seed0001-age_0.webp", "seed0001-age_1.webp"]


def test_failures_are_told_and_exit_1(small: Path, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"broken")
    save_latent(tmp_path / "other.safetensors", Latent(np.zeros((6, 24), np.float32), model_digest="f" * 64))
    files = (tmp_path / "broken.npy", tmp_path / "other.safetensors")
    out = tmp_path / "out"
    done = invoke("edit", recipe, *files, "--seeds", 1, "-m", small, "-o", out)
    assert done.exit_code == 1
    assert "broken.npy (6 outputs):" in done.output
    assert "made with another model" in done.output
    assert "6 pictures rendered" in done.output
    assert "12 failed" in done.output
    assert len(json.loads((out / "manifest.json").read_text())["failures"]) == 2
    done = invoke("edit", recipe, *files, "--seeds", 1, "-m", small, "-o", out, "--any-model", "--resume")
    assert (done.exit_code, len(pictures(out))) == (1, 12)


@pytest.mark.parametrize(
    ("words", "message"), [
        (["--seeds", "x"], "--seeds: 'x'"), ([], "there are no latents to edit"),
        (["--seeds", "1", "--format", "tiff"], "tiff"), (["--seeds", "1", "--engine", "warp"], "no engine"),
        (["--seeds", "1", "--quality", "0"], "--quality"),
        (["--seeds", "1", "--sheet", "sheet"], "--sheet sheet is not a kind"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(small: Path, recipe: Path, tmp_path: Path, words: list[str], message: str) -> None:
    refused(invoke("edit", recipe, *words, "-m", small, "-o", tmp_path / "out"), 2, message)
    assert not (tmp_path / "out").exists()


def test_a_faulty_recipe_is_told_by_line(i2s: I2s, small: Path, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("psi", "phi"))
    says(i2s("edit", "recipe.toml", "--seeds", 1, "-m", small), 2, "recipe.toml:5: edit.phi: unknown key; psi, cutoff")
    refused(invoke("edit", recipe.with_name("none.toml"), "--seeds", 1, "-m", small), 2, "none.toml cannot be read")


def stopped(small: Path, folder: Path, number: signal.Signals) -> int:
    """Start a long batch, send it the signal once something is committed, and return its exit code."""
    words = command(["edit", "recipe.toml", "--seeds", "1-6", "-m", small, "--batch", 2, "--json"])
    with subprocess.Popen(words, env=os.environ, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"event": "progress"' in line:
                break
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=120)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_stopped_and_resumed(small: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "recipe.toml").write_text(GREEDY)
    assert stopped(small, tmp_path, number) == code
    out = tmp_path / "edited"
    committed = (out / "journal.ndjson").read_bytes().count(b"\n") - 1
    assert 0 < committed < 1200
    assert (out / "manifest.json").exists() == (number == signal.SIGINT)
    words = ("edit", tmp_path / "recipe.toml", "--seeds", "1-6", "-m", small, "-o", out, "--json", "--resume")
    done = invoke(*words)
    assert done.exit_code == 0, done.output
    end = json.loads(done.output.splitlines()[-1])
    assert (end["kept"], end["rendered"]) == (committed, 1200 - committed)
    assert len(pictures(out)) == 1200
    assert leftovers(out) == []


def test_a_full_disk_exits_3_and_resumes(i2s: I2s, small: Path, recipe: Path, tmp_path: Path) -> None:
    with small_file_system(tmp_path / "disk", "size=64k") as disk:
        words = ("edit", recipe, "--seeds", "1-9", "-m", small, "-o", disk / "out")
        says(i2s(*words), 3, "the disk is full", "--resume")
        assert leftovers(disk / "out") == []
        kept = len(pictures(disk / "out"))
        assert 0 < kept < 54
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        done = invoke(*words, "--resume")
        assert done.exit_code == 0, done.output
        assert len(pictures(disk / "out")) == 54
        assert names(disk) == ["out"]
