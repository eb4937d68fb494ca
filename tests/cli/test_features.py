"""`--features`: every choice by the command line, and what is said of it."""

from pathlib import Path

import pytest
import typer

from cli.main import app
from i2s_trt.checkpoints.sources import SOURCES, downloads_folder
from i2s_trt.latents import read_latent
from i2s_trt.models import vgg_weights
from tests.cli.support import I2s, invoke, refused
from tests.models.test_vgg import torchvision_file
from tests.models.test_vgg_weights import damaged

TRAINED, RANDOM = "VGG-16 trained on ImageNet (Oxford's weights, built in)", "random features"
FILE = SOURCES["vgg16"].file
HINT = "for the paper's perceptual loss: --features imagenet (built in)"


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


def test_imagenet_is_built_in(astronaut: Path, small: Path, tmp_path: Path) -> None:
    said = embedded(astronaut, small, tmp_path, "--features", "imagenet")
    assert f"features: {TRAINED}\n" in said
    assert "note:" not in said
    assert read_latent(tmp_path / "astronaut.safetensors").extra["features"] == TRAINED


def test_auto_is_random_with_a_hint_where_nothing_was_pulled(astronaut: Path, small: Path, tmp_path: Path) -> None:
    said = embedded(astronaut, small, tmp_path)
    assert f"features: {RANDOM}" in said
    assert HINT in said


def test_random_wants_no_hint(astronaut: Path, small: Path, tmp_path: Path) -> None:
    said = embedded(astronaut, small, tmp_path, "--features", "random")
    assert f"features: {RANDOM}" in said
    assert HINT not in said


@pytest.mark.parametrize("choice", ["auto", "torchvision", "the file"])
def test_torchvisions_once_it_is_pulled(
    astronaut: Path, small: Path, tmp_path: Path, pulled: Path, choice: str
) -> None:
    said = embedded(astronaut, small, tmp_path, "--features", pulled if choice == "the file" else choice)
    assert f"features: VGG-16 trained on ImageNet ({FILE})\n" in said
    assert HINT not in said


def test_torchvisions_before_it_is_pulled(astronaut: Path, small: Path) -> None:
    done = invoke("embed", astronaut, "-m", small, "--features", "torchvision", "--steps", 0)
    refused(done, 2, "torchvision's VGG-16 weights are not on this machine", "i2s-trt models pull vgg16", "imagenet")


def test_graphs_are_made_with_them(small: Path) -> None:
    done = invoke("build-engines", "-m", small, "--graphs", "features", "--dry-run", "--features", "imagenet")
    assert done.exit_code == 0, done.output
    assert TRAINED in done.output


def test_one_option_for_all_commands() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    helps = {
        name: option.help
        for name, command in commands.items()
        for option in command.params
        if "--features" in option.opts
    }
    assert set(helps) == {"embed", "experiment", "train-encoder", "build-engines"}
    assert len(set(helps.values())) == 1
    for choice in ("auto", "random", "imagenet", "torchvision", "file"):
        assert choice in helps["embed"]


def test_another_input_scale_is_noted(i2s: I2s, astronaut: Path, small: Path) -> None:
    words = ("embed", astronaut, "-m", small, "--steps", 0, "--input-scale", "unit")
    run = i2s(*words, "--features", "imagenet")
    assert run.code == 0, run.err
    assert "note: these features were trained for --input-scale mean-255" in run.err


@pytest.mark.parametrize("words", [("--features", "random"), ("--features", "imagenet", "--layers", "none")])
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
    done = invoke("embed", astronaut, "-m", small, "--features", "imagenet", "-o", tmp_path / "out")
    refused(done, 3, "built-in weights of VGG-16 are damaged", "install i2s-trt again")
    assert not (tmp_path / "out").exists()
