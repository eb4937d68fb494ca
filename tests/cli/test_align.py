"""`i2s-trt align`: faces cut out, several of them, none, and files that are no photographs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.images.fit import Square
from i2s_trt.photographs.people import FacePreparer
from i2s_trt.photographs.record import read_alignment
from tests.cli.support import I2s, invoke, names, refused, says
from tests.faces.photographs import several


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("group") / "group.png"
    Image.fromarray(several()).save(path)
    return path


def test_a_face_becomes_a_square_that_knows_its_photograph(i2s: I2s, astronaut: Path, tmp_path: Path) -> None:
    run = i2s("align", astronaut, "-o", "aligned", "--size", 200)
    assert run.code == 0, run.err
    assert "astronaut: a face 178 pixels wide, in aligned/astronaut.png" in run.out
    assert decode(tmp_path / "aligned/astronaut.png").shape == (200, 200, 3)
    found = read_alignment(tmp_path / "aligned/astronaut.png")
    assert found is not None
    assert (found.kind, found.photograph, found.size) == ("ffhq", "astronaut.png", (512, 512))
    assert names(tmp_path / "aligned") == ["astronaut.png"]


def test_few_pixels_are_told_where_somebody_says_how_many_are_wanted(i2s: I2s, astronaut: Path, tmp_path: Path) -> None:
    run = i2s("align", astronaut, "-o", "aligned")
    assert run.code == 0
    assert "only" not in run.err
    assert decode(tmp_path / "aligned/astronaut.png").shape == (1024, 1024, 3)
    asked = invoke("align", astronaut, "-o", tmp_path / "asked", "--size", 512)
    assert "only 178 pixels of the photograph make a picture of 512" in asked.output
    warnings = {
        size: FacePreparer(Square(size), BuiltinDetector())(tmp_path / "aligned/astronaut.png").warnings
        for size in (128, 1024)
    }
    assert warnings[128] == ()
    assert "only 178 pixels of the photograph make a picture of 1024" in warnings[1024][0]


def test_one_without_a_face_among_others(i2s: I2s, astronaut: Path, cat: Path, tmp_path: Path) -> None:
    run = i2s("align", cat, astronaut, "-o", "aligned", "--size", 64, "--json")
    assert (run.code, run.err) == (1, "")
    kinds = [event["event"] for event in run.events]
    assert kinds == ["failed", "aligned", "end"]
    assert "chelsea.png: no face was found" in run.events[0]["error"]
    assert run.events[1]["alignment"]["kind"] == "ffhq"
    assert names(tmp_path / "aligned") == ["astronaut.png"]


def test_no_face_at_all(i2s: I2s, cat: Path, tmp_path: Path) -> None:
    says(i2s("align", cat, "-o", "aligned"), 2, "no face was found", "--landmarks")
    assert names(tmp_path / "aligned") == []


@pytest.mark.parametrize(
    ("which", "files"),
    [
        ("largest", ["group.png"]),
        ("all", ["group-face1.png", "group-face2.png", "group-face3.png"]),
        ("3", ["group.png"]),
    ],
)
def test_which_of_several_faces(group: Path, tmp_path: Path, which: str, files: list[str]) -> None:
    done = invoke("align", group, "-o", tmp_path, "--size", 64, "--face", which)
    assert done.exit_code == 0, done.output
    assert names(tmp_path) == files


def test_landmarks_by_hand(cat: Path, tmp_path: Path) -> None:
    face = {"left_eye": [180, 120], "right_eye": [260, 120], "mouth": [220, 200]}
    (tmp_path / "faces.json").write_text(json.dumps({"chelsea.png": face}))
    done = invoke("align", cat, "-o", tmp_path / "out", "--size", 64, "--landmarks", tmp_path / "faces.json")
    assert done.exit_code == 0, done.output
    assert "a face 320 pixels wide" in done.output


def test_a_picture_that_is_aligned_stays_as_it_is(astronaut: Path, tmp_path: Path) -> None:
    assert invoke("align", astronaut, "-o", tmp_path / "one", "--size", 128).exit_code == 0
    assert invoke("align", tmp_path / "one/astronaut.png", "-o", tmp_path / "two", "--size", 128).exit_code == 0
    first, second = (decode(tmp_path / folder / "astronaut.png") for folder in ("one", "two"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("words", "message"), [
        (["--face", "0"], "--face '0'"), (["--face", "2nd"], "neither largest"), (["--face", "²"], "neither largest"),
        (["--face", "4"], "there is no face 4"), (["--size", "7"], "--size"), (["--size", "5000"], "--size"),
        (["--landmarks", "none.json"], "none.json cannot be read"), (["--detector", "none.onnx"], "no detector file"),
        (["--detector", __file__], "is no face detector"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(group: Path, tmp_path: Path, words: list[str], message: str) -> None:
    refused(invoke("align", group, "-o", tmp_path / "out", *words), 2, message)


def test_the_photograph_is_never_overwritten(tmp_path: Path) -> None:
    shutil.copy(example_path("astronaut"), tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    refused(invoke("align", tmp_path / "photo.png", "-o", tmp_path, "--size", 64), 2, "would overwrite")
    assert (tmp_path / "photo.png").read_bytes() == before
    refused(invoke("align", tmp_path / "none.png", "-o", tmp_path / "out"), 2, "does not exist")
