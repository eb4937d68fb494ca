"""`--features`: every choice by the command line, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from cli.main import app
from i2s_trt.checkpoints.sources import SOURCES, downloads_folder
from i2s_trt.files import file_digest
from i2s_trt.latents import read_latent
from i2s_trt.models import vgg_weights
from tests.cli.support import I2s, invoke, refused
from tests.models.test_vgg import torchvision_file
from tests.models.test_vgg_weights import damaged

TRAINED, RANDOM = "VGG-16 trained on ImageNet (Oxford's weights, built in)", "random features"
FILE = SOURCES["vgg16"].file


@pytest.fixture
def pulled(own_home: Path) -> Path:
    """torchvision's file, where `models pull` puts it."""
    downloads_folder().mkdir(parents=True)
    return torchvision_file(downloads_folder() / FILE)


def embedded(astronaut: Path, small: Path, folder: Path, *more: object) -> str:
    """What `embed` prints for no step at all."""
    done = invoke("embed", astronaut, "-m", small, "--steps", 0, "-o", folder, *more)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("words", [(), ("--features", "imagenet")])
def test_imagenet_is_built_in_and_the_default(
    astronaut: Path, small: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = embedded(astronaut, small, tmp_path, *words)
    assert f"features: {TRAINED}\n" in said
    assert "note:" not in said
    assert read_latent(tmp_path / "astronaut.safetensors").extra["features"] == TRAINED


@pytest.mark.usefixtures("pulled")
def test_the_default_is_the_same_where_torchvisions_were_pulled(astronaut: Path, small: Path, tmp_path: Path) -> None:
    assert f"features: {TRAINED}\n" in embedded(astronaut, small, tmp_path)


def test_random_ones_by_name(astronaut: Path, small: Path, tmp_path: Path) -> None:
    assert f"features: {RANDOM}" in embedded(astronaut, small, tmp_path, "--features", "random")


@pytest.mark.parametrize("choice", ["torchvision", "the file"])
def test_torchvisions_once_it_is_pulled(
    astronaut: Path, small: Path, tmp_path: Path, pulled: Path, choice: str
) -> None:
    said = embedded(astronaut, small, tmp_path, "--features", pulled if choice == "the file" else choice)
    assert f"features: VGG-16 from {FILE}\n" in said, "what it was trained on nobody knows"


def test_torchvisions_own_file_is_known_by_its_digest(
    astronaut: Path, small: Path, tmp_path: Path, pulled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(SOURCES["vgg16"], digest=f"sha256:{file_digest(pulled)}")
    monkeypatch.setitem(SOURCES, "vgg16", own)
    said = embedded(astronaut, small, tmp_path, "--features", "torchvision")
    assert "features: VGG-16 trained on ImageNet (torchvision's)\n" in said
    assert "trained for --input-scale normalized; with mean-255 the loss is another" in said


def test_torchvisions_before_it_is_pulled(astronaut: Path, small: Path) -> None:
    done = invoke("embed", astronaut, "-m", small, "--features", "torchvision", "--steps", 0)
    refused(done, 2, "torchvision's VGG-16 weights are not on this machine", "i2s-trt models pull vgg16", "imagenet")


@pytest.mark.parametrize("word", ["auto", "none.pth", "."])
def test_what_is_neither_a_choice_nor_a_file(small: Path, word: str) -> None:
    done = invoke("build-engines", "-m", small, "--graphs", "features", "--dry-run", "--features", word)
    refused(done, 2, f"--features '{word}'", "no such file", "imagenet (the default), random, torchvision", "a file")


def test_graphs_are_made_with_the_default(small: Path) -> None:
    done = invoke("build-engines", "-m", small, "--graphs", "features", "--dry-run")
    assert done.exit_code == 0, done.output
    assert TRAINED in done.output


def test_one_option_with_one_default_for_all_commands() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = {
        name: option for name, command in commands.items() for option in command.params if "--features" in option.opts
    }
    assert set(options) == {"embed", "experiment", "train-encoder", "build-engines"}
    assert {option.default for option in options.values()} == {"imagenet"}
    assert len({option.help for option in options.values()}) == 1
    for choice in ("imagenet", "random", "torchvision", "file"):
        assert choice in options["embed"].help


def test_another_input_scale_is_noted(i2s: I2s, astronaut: Path, small: Path) -> None:
    words = ("embed", astronaut, "-m", small, "--steps", 0, "--input-scale", "unit")
    run = i2s(*words)
    assert run.code == 0, run.err
    assert "note: these features were trained for --input-scale mean-255" in run.err


@pytest.mark.parametrize("words", [("--features", "random"), ("--layers", "none")])
def test_features_that_expect_no_scale_or_are_not_asked_get_no_note(
    astronaut: Path, small: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert "note:" not in embedded(astronaut, small, tmp_path, "--input-scale", "unit", *words)


def test_other_features_do_not_go_on_with_a_result(astronaut: Path, small: Path, tmp_path: Path) -> None:
    embedded(astronaut, small, tmp_path, "--features", "random")
    same = ("embed", astronaut, "-m", small, "--steps", 0, "-o", tmp_path, "--resume", "--features")
    again = invoke(*same, "imagenet")
    assert again.exit_code == 2, again.output
    assert "other features" in again.output
    assert read_latent(tmp_path / "astronaut.safetensors").extra["features"].startswith(RANDOM)


def test_damaged_weights_are_the_machines_fault(
    astronaut: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vgg_weights, "WEIGHTS", damaged(tmp_path))
    done = invoke("embed", astronaut, "-m", small, "-o", tmp_path / "out")
    refused(done, 3, "built-in weights of VGG-16 are damaged", "install i2s-trt again")
    assert not (tmp_path / "out").exists()
