"""Node is asked, or it is said what is missing."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.judge.node import MODULES, ask, needed_modules
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path, example_picture
from tests.benchmarks.judge.made_up import install_modules, install_node

_MODULES = Path(os.environ.get("I2S_TRT_JUDGE_MODULES", MODULES))
_PICTURE = np.full((32, 32, 3), 51, np.uint8)


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    return install_modules(tmp_path / "modules")


def test_versions_are_pinned() -> None:
    assert "@vladmandic/face-api" in needed_modules()
    assert all(version.replace(".", "").isdigit() for version in needed_modules().values())


def test_without_node_it_is_said(modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="Node, which is not installed") as caught:
        ask({"grey": _PICTURE}, modules)
    assert "Node 20" in caught.value.hint


def test_modules_that_are_missing_are_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(install_node(tmp_path / "bin")))
    with pytest.raises(EnvironmentFault, match="has no module @tensorflow/tfjs") as caught:
        ask({"grey": _PICTURE}, tmp_path)
    assert caught.value.hint.startswith(f"mkdir -p {tmp_path} && cp ")
    assert caught.value.hint.endswith(f"--prefix {tmp_path}")


def test_modules_of_another_version_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(install_node(tmp_path / "bin")))
    modules = install_modules(tmp_path / "modules", pngjs="1.0.0")
    with pytest.raises(EnvironmentFault, match=r"pngjs 1\.0\.0, not "):
        ask({"grey": _PICTURE}, modules)


def test_the_script_is_shown_the_very_pixels(modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(install_node(tmp_path / "bin")))
    white = np.full((32, 32, 3), 255, np.uint8)
    verdicts = ask({"a/grey one, 20%": _PICTURE, "white": white}, modules).verdicts
    assert verdicts["a/grey one, 20%"].happy == 0.2
    assert verdicts["white"].distance(verdicts["a/grey one, 20%"]) == 0.8


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho 'x.mjs:1' >&2; echo 'Error: no WebAssembly here' >&2; exit 1", "no WebAssembly here"),
        ("#!/bin/sh\nexit 7", "status 7"),
    ],
)
def test_a_script_that_fails_says_why(
    script: str, said: str, modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(install_node(tmp_path / "bin", script)))
    with pytest.raises(EnvironmentFault, match=said):
        ask({"grey": _PICTURE}, modules)


@pytest.mark.skipif(
    not (_MODULES / "node_modules/@vladmandic/face-api").is_dir(),
    reason="face-api is not installed: see docs/judge.md; $I2S_TRT_JUDGE_MODULES names another folder",
)
def test_the_real_judge_knows_a_smiling_face_and_her_mirror_image() -> None:
    face = example_picture("astronaut")
    coffee = decode(example_path("coffee"))[:300, :300]
    verdicts = ask({"face": face, "mirrored": np.ascontiguousarray(face[:, ::-1]), "coffee": coffee}, _MODULES).verdicts
    assert verdicts["face"].detected
    assert verdicts["face"].likeliest == "happy"
    assert verdicts["face"].distance(verdicts["mirrored"]) < 0.35
    assert not verdicts["coffee"].detected
    assert verdicts["coffee"].descriptor == verdicts["coffee"].fixed.descriptor
