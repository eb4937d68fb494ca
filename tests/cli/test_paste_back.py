"""`i2s-trt paste-back`: edited pictures into their photographs, and everything that does not belong together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from i2s_trt.images.decode import decode
from tests.cli.support import I2s, invoke, names, refused


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut's aligned face."""
    from i2s_trt.images.examples import example_path

    folder = tmp_path_factory.mktemp("aligned")
    assert invoke("align", example_path("astronaut"), "-o", folder, "--size", 128).exit_code == 0
    return folder / "astronaut.png"


def psnr(found: Any, wanted: Any) -> float:
    error = np.square(found.astype(float) - wanted).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def test_what_was_not_edited_comes_back(i2s: I2s, astronaut: Path, aligned: Path, tmp_path: Path) -> None:
    run = i2s("paste-back", aligned, astronaut, "-o", "pasted.png")
    assert run.code == 0, run.err
    assert run.out == "result:   pasted.png\n"
    assert psnr(decode(tmp_path / "pasted.png"), decode(astronaut)) > 50


def test_an_edit_is_laid_in_and_nothing_else_changes(astronaut: Path, aligned: Path, tmp_path: Path) -> None:
    edited = decode(aligned)
    edited[88:100, 50:80] = (220, 20, 20)
    Image.fromarray(edited).save(tmp_path / "edited.png")
    arguments = ("paste-back", tmp_path / "edited.png", astronaut, "--where", aligned)
    assert invoke(*arguments, "-o", tmp_path / "pasted.png").exit_code == 0
    change = np.abs(decode(tmp_path / "pasted.png").astype(int) - decode(astronaut)).max(axis=2)
    rows, columns = np.nonzero(change > 40)
    assert 125 < rows.mean() < 155
    assert 205 < columns.mean() < 245
    assert change[:10].max() == 0
    assert change[220:].max() == 0


def test_an_embedded_picture_with_its_latent(astronaut: Path, tmp_path: Path, quick: tuple[object, ...]) -> None:
    out = tmp_path / "out"
    assert invoke("embed", astronaut, *quick, "-o", out).exit_code == 0
    done = invoke("paste-back", out / "astronaut.png", astronaut, "--where", out / "astronaut.safetensors",
                  "-o", tmp_path / "pasted.jpg", "--no-colour-match", "--feather", 0.05)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert decode(tmp_path / "pasted.jpg").shape == (512, 512, 3)


@pytest.mark.parametrize("mask", ["face", "picture"])
def test_masks(astronaut: Path, aligned: Path, tmp_path: Path, mask: str) -> None:
    Image.new("RGB", (64, 64), (0, 255, 0)).save(tmp_path / "green.png")
    arguments = (
        "paste-back",
        tmp_path / "green.png",
        astronaut,
        "--where",
        aligned,
        "--no-colour-match",
        "--mask",
        mask,
    )
    assert invoke(*arguments, "-o", tmp_path / "pasted.png").exit_code == 0
    found = decode(tmp_path / "pasted.png")
    green = (np.abs(found.astype(int) - (0, 255, 0)).max(axis=2) < 10).sum()
    assert (6_000 < green < 16_000) if mask == "face" else green > 16_000


@pytest.mark.parametrize(
    ("arguments", "message"), [
        (("CAT", "PHOTO"), "does not say where"), (("ALIGNED", "CAT"), "512 x 512"),
        (("ALIGNED", "none.png"), "none.png does not exist"), (("none.png", "PHOTO"), "does not say where"),
        (("ALIGNED", "PHOTO", "--mask", "oval"), "auto, face, picture"),
        (("ALIGNED", "PHOTO", "-o", "pasted.txt"), "does not name a picture"),
        (("ALIGNED", "PHOTO", "-o", "ALIGNED"), "would overwrite"),
        (("ALIGNED", "PHOTO", "-o", "PHOTO"), "would overwrite"),
        (("ALIGNED", "PHOTO", "--where", "CAT"), "does not say where"),
        (("ALIGNED", "PHOTO", "--feather", "2"), "--feather"),
        (("ALIGNED", "PHOTO", "--restore", "-1"), "--restore"),
    ], ids=str,
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    astronaut: Path, cat: Path, aligned: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    known = {"CAT": cat, "PHOTO": astronaut, "ALIGNED": aligned}
    words = [known.get(word, word) for word in arguments]
    before = aligned.read_bytes()
    output = () if "-o" in arguments else ("-o", tmp_path / "pasted.png")
    refused(invoke("paste-back", *words, *output), 2, message)
    assert names(tmp_path) == []
    assert aligned.read_bytes() == before


def test_a_photograph_that_has_changed_is_told(i2s: I2s, astronaut: Path, aligned: Path, tmp_path: Path) -> None:
    Image.fromarray(255 - decode(astronaut)).save(tmp_path / "other.png")
    run = i2s("paste-back", aligned, "other.png", "-o", "pasted.png")
    assert run.code == 0
    assert "has changed since" in run.err
