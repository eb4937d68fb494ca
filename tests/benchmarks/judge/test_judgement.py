"""Figures and tables of verdicts, and the command from a demo to both."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.judge.__main__ import main
from benchmarks.judge.gallery import NAMES, Case, demo_cases, mirrored, read_demo, through_64
from benchmarks.judge.judgement import Judgement, Nearer, controls, row, strangers
from benchmarks.judge.tables import refresh_page, to_markdown
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.run import demo_pictures
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.images.compose import write_png
from i2s_trt.latents import Latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed
from tests.benchmarks.judge.made_up import install_modules, install_node, verdict

_BLANK = np.zeros((4, 4, 3), np.uint8)
_VERDICTS = {
    "astronaut": verdict(0.0, 0.9),
    "portrait": verdict(1.0),
    "solemn": verdict(2.0),
    "smiling": verdict(2.1),
    "coffee": verdict(5.0, detected=False),
    "astronaut, embedded": verdict(0.5),
    "edited": verdict(0.9, 0.25),
    "drawn/1": verdict(0.8),
    "drawn/2": verdict(1.2),
    "person/1": verdict(4.0),
    "drawn smiling/1": verdict(0.85, 0.75),
    "astronaut/mirrored": verdict(0.1),
}


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator()


@pytest.fixture
def demo_folder(generator: Generator, tmp_path: Path) -> Path:
    """Random latents in place of embedded ones."""
    folder = tmp_path / "demo"
    (folder / "pictures").mkdir(parents=True)
    for seed, (name, pixels) in enumerate(demo_pictures(generator).items()):
        write_png(folder / "pictures" / f"{name}.png", pixels)
        latent = Latent(w_plus_from_seed(generator, seed), generator.digest, options={"steps": 7})
        save_latent(folder / f"{name}.safetensors", latent)
    return folder


def test_an_edit_is_compared_with_all_that_it_came_from() -> None:
    found = row(Case("edited", _BLANK, "astronaut", "astronaut, embedded", "portrait"), _VERDICTS)
    assert (found.to_photograph, found.similarity) == (0.9, 0.25)
    assert (found.to_embedded, found.to_other) == (0.4, 0.1)
    assert (found.happy, found.smile, found.likeliest) == (0.25, -1.0986, "happy")
    assert found.nearer_people == Nearer(0, 1)
    assert found.nearer_drawn == Nearer(3, 5)  # the portrait and both drawn faces


def test_a_photograph_is_compared_with_nothing_and_what_is_no_face_has_no_strangers() -> None:
    found = row(Case("coffee", _BLANK, "coffee"), _VERDICTS)
    assert (found.score, found.to_photograph, found.nearer_drawn) == (0.0, None, None)
    assert row(Case("edited", _BLANK, "coffee"), _VERDICTS).nearer_people is None


def test_one_persons_two_photographs_are_no_strangers() -> None:
    assert set(strangers("smiling", _VERDICTS, drawn=True)) == {"drawn/1", "drawn/2", "portrait"}
    assert set(strangers("smiling", _VERDICTS, drawn=False)) == {"astronaut", "person/1"}


def test_controls_say_what_is_known_and_leave_out_what_there_is_none_of() -> None:
    distances, smiles = controls(_VERDICTS)
    assert [(item.name, item.same, item.pairs, item.middle, item.near) for item in distances] == [
        ("the astronaut and her mirror image", True, 1, 0.1, 1.0),
        ("drawn faces, solemn and smiling", True, 1, 0.05, 1.0),
        ("the astronaut and other people", False, 1, 4.0, 0.0),
        ("the astronaut and drawn faces", False, 2, 1.0, 0.0),
        ("two drawn faces", False, 1, 0.4, 1.0),
    ]
    assert [(item.name, item.pictures, item.middle) for item in smiles] == [
        ("drawn faces, solemn", 2, 0.5),
        ("the same, smiling", 1, 0.75),
        ("photographs of other people", 1, 0.5),
    ]


def test_tables_have_a_row_for_everything() -> None:
    distances, smiles = controls(_VERDICTS)
    rows = [
        row(Case(name, _BLANK, "astronaut" if name != "coffee" else name), _VERDICTS) for name in ("coffee", "edited")
    ]
    tables = to_markdown(Judgement({"node": "20"}, "abcdef", 7, tuple(rows), tuple(distances), tuple(smiles)))
    assert "Model abcdef, 7 steps of embedding; node 20." in tables
    assert "| coffee | no |  |" in tables
    assert "| edited | 0.90 | 0.90 | 0.25 | 0 of 1 | 3 of 5 | 0.90 |  |  | 0.25 | 0.25 | -1.1 | happy |" in tables
    lines = [line for line in tables.splitlines() if line.startswith("|")]
    assert len(lines) == 4 * 2 + len(rows) + len(distances) + len(smiles)


def test_tables_take_the_place_of_those_on_a_page(tmp_path: Path) -> None:
    page = tmp_path / "judge.md"
    page.write_text("before\n<!-- begin of what benchmarks.judge writes -->\nold\n<!-- end -->\nafter\n")
    for _ in range(2):
        refresh_page(page, "new\n")
    assert page.read_text() == (
        "before\n<!-- begin of what benchmarks.judge writes -->\n\nnew\n\n<!-- end -->\nafter\n"
    )
    page.write_text("no place")
    with pytest.raises(UsageError, match="no place for the tables"):
        refresh_page(page, "new\n")


def test_controls_that_change_no_person() -> None:
    pixels = np.arange(128 * 128 * 3, dtype=np.uint32).astype(np.uint8).reshape(128, 128, 3)
    np.testing.assert_array_equal(mirrored(mirrored(pixels)), pixels)
    assert through_64(pixels).shape == pixels.shape


def test_every_case_is_drawn_once_and_refers_to_others(demo_folder: Path) -> None:
    cases = demo_cases(read_demo(demo_folder))
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    assert {case.pixels.shape for case in cases} == {(128, 128, 3)}
    named = {name for case in cases for name in (case.photograph, case.embedded, case.other) if name}
    assert named <= set(names)
    by_name = {case.name: case.pixels for case in cases}
    np.testing.assert_array_equal(by_name["portrait, smile +0.00"], by_name["portrait, embedded"])


def test_folders_that_hold_no_demo_of_this_model_are_refused(demo_folder: Path, generator: Generator) -> None:
    latent = Latent(w_plus_from_seed(generator, 1), "0" * 64)
    save_latent(demo_folder / f"{NAMES[-1]}.safetensors", latent)
    with pytest.raises(LatentError, match="another model"):
        read_demo(demo_folder)
    (demo_folder / "pictures" / "cat.png").unlink()
    with pytest.raises(UsageError, match="no finished demo") as caught:
        read_demo(demo_folder)
    assert "i2s-trt demo" in caught.value.hint


def test_the_command_writes_and_prints(
    demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules, output = install_modules(tmp_path / "modules"), tmp_path / "judge.json"
    words = [str(demo_folder), "-o", str(output), "--modules", str(modules)]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(words) == 3
    assert "hint: install Node" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(install_node(tmp_path / "bin")))
    assert main(words) == 0
    written = json.loads(output.read_text())
    assert (written["steps"], written["versions"]) == (7, {"node": "none"})
    assert len(written["rows"]) == len(demo_cases(read_demo(demo_folder)))
    assert written["rows"][0]["name"] == "astronaut"
    assert "| astronaut, smile +0.00 |" in capsys.readouterr().out


def test_an_undetected_face_is_judged_by_its_fixed_cut_out() -> None:
    found = row(Case("edited", _BLANK, "astronaut"), {**_VERDICTS, "edited": replace(verdict(0.3), score=0.0)})
    assert (found.score, found.to_photograph, found.to_photograph_fixed) == (0.0, 0.3, 0.3)
