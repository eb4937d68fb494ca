"""Killed or interrupted in the middle and resumed: the same as never having stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.interrupts import stop_requests
from i2s_trt.images.examples import example_path
from i2s_trt.latents import read_latent
from tests.cli.support import I2s, invoke, names, results, same_embedding

STEPS = 60
Quick = tuple[object, ...]
_IMPATIENT = (  # the command, with a snapshot after every step
    "import functools, cli.embed, i2s_trt.entry\n"
    "cli.embed.JobOptions = functools.partial(cli.embed.JobOptions, snapshot_seconds=0)\n"
    "i2s_trt.entry.main()\n"
)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Programs that are started in the background are deaf to SIGINT, and their children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Path:
    """The latent of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    assert invoke("embed", example_path("astronaut"), *quick[:-1], STEPS, "-o", folder).exit_code == 0
    return folder / "astronaut.safetensors"


def stopped(photo: Path, quick: Quick, folder: Path, number: signal.Signals) -> int:
    """Start an embedding, send it the signal once a few steps are done, and return its exit code."""
    arguments = [sys.executable, "-c", _IMPATIENT, "embed", photo, *quick[:-1], STEPS, "-o", folder, "--json"]
    with subprocess.Popen([str(item) for item in arguments], env=os.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b'"step": 5,' in line:
                break
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=60)


def test_killed_and_resumed(astronaut: Path, tmp_path: Path, i2s: I2s, unbroken: Path, quick: Quick) -> None:
    assert stopped(astronaut, quick, tmp_path / "out", signal.SIGKILL) == -signal.SIGKILL
    assert ".astronaut.snapshot" in names(tmp_path / "out")
    assert "astronaut.safetensors" not in names(tmp_path / "out")
    run = i2s("embed", astronaut, *quick[:-1], STEPS, "-o", "out", "--resume")
    assert run.code == 0
    assert "astronaut: going on from step" in run.out
    assert same_embedding(tmp_path / "out/astronaut.safetensors", unbroken)
    assert names(tmp_path / "out") == results("astronaut")


def test_interrupted_and_resumed(astronaut: Path, tmp_path: Path, unbroken: Path, quick: Quick) -> None:
    assert stopped(astronaut, quick, tmp_path, signal.SIGINT) == 130
    latent = read_latent(tmp_path / "astronaut.safetensors")
    assert latent.status == "interrupted"
    assert 5 <= len(latent.curve) < STEPS
    done = invoke("embed", astronaut, *quick[:-1], STEPS, "-o", tmp_path, "--resume")
    assert "going on from step" in done.output
    assert same_embedding(tmp_path / "astronaut.safetensors", unbroken)
    assert names(tmp_path) == results("astronaut")


def test_interrupted_before_anything_began(astronaut: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "i2s_trt", "embed", str(astronaut), "-o", str(tmp_path)]
    with subprocess.Popen(arguments, env=os.environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"model:")  # the networks are made next
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode in (130, -signal.SIGINT)
    assert b"error:" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    with stop_requests() as should_stop:
        assert not should_stop()
        signal.raise_signal(number)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) == before
    assert "once more to stop at once" in capsys.readouterr().err
