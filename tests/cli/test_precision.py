"""`i2s-trt embed --precision`: by name, by measurement, and what does not exist."""

import json
from pathlib import Path

import pytest
from typer.testing import Result

from i2s_trt.latents import read_latent
from tests.cli.support import invoke, refused, same_embedding

Quick = tuple[object, ...]


def events(done: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_choice_is_said_and_kept_in_the_latent(
    precision: str, astronaut: Path, tmp_path: Path, quick: Quick
) -> None:
    done = invoke("embed", astronaut, *quick, "-o", tmp_path, "--precision", precision)
    assert done.exit_code == 0, done.output
    assert f"numbers:  {precision}\n" in done.output
    assert read_latent(tmp_path / "astronaut.safetensors").options["precision"] == precision


def test_without_a_word_it_is_fp32_and_the_same_each_time(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    for folder, arguments in (("default", ()), ("named", ("--precision", "fp32"))):
        assert invoke("embed", astronaut, *quick, "-o", tmp_path / folder, *arguments).exit_code == 0
    first, second = (tmp_path / folder / "astronaut.safetensors" for folder in ("default", "named"))
    assert same_embedding(first, second)


def test_auto_measures_what_it_says(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    done = invoke("embed", astronaut, *quick, "-o", tmp_path, "--precision", "auto", "--steps", 40, "--json")
    assert done.exit_code == 0, done.output
    (chosen,) = [event for event in events(done) if event["event"] == "precision"]
    assert chosen["chosen"] == "by measurement"
    assert isinstance(chosen["seconds"], dict)
    assert set(chosen["seconds"]) == {"fp32", "bf16"}
    assert read_latent(tmp_path / "astronaut.safetensors").options["precision"] == chosen["precision"]


def test_auto_measures_nothing_for_a_short_run(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    done = invoke("embed", astronaut, *quick, "-o", tmp_path, "--precision", "auto", "--steps", 3)
    assert done.exit_code == 0, done.output
    assert "numbers:  fp32 (too few steps to measure)" in done.output


def test_auto_says_why_it_leaves_the_fast_schedule_alone(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    arguments = ("--precision", "auto", "--schedule", "fast", "--steps", 3)
    done = invoke("embed", astronaut, *quick, "-o", tmp_path, *arguments)
    assert done.exit_code == 0, done.output
    assert "numbers:  fp32 (with fewer bits the fast schedule ends at a higher loss)" in done.output


def test_others_are_refused(astronaut: Path, quick: Quick) -> None:
    done = invoke("embed", astronaut, *quick, "--precision", "int8")
    refused(done, 2, "--precision 'int8' is not one of auto, fp32, tf32, bf16, fp16")
