"""Killed or interrupted in the middle and resumed: the same as never having stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cli.interrupts import stop_requests
from i2s_trt.latents import read_latent
from tests.cli.support import invoke, names, results, same_embedding

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


@pytest.fixture
def photos(astronaut: Path, cat: Path) -> list[Path]:
    return [astronaut, cat]


@pytest.fixture
def unbroken(
    module_home: Path, tmp_path_factory: pytest.TempPathFactory, photos: list[Path], quick: Quick
) -> Callable[[str], Path]:
    """The results of a run that nothing disturbed, by schedule."""

    def embedded(schedule: str) -> Path:
        folder = module_home / "unbroken" / schedule
        if not folder.exists():
            arguments = (*photos, *quick[:-1], STEPS, "--schedule", schedule, "-o", folder)
            assert invoke("embed", *arguments).exit_code == 0
        return folder

    return embedded


def started(script: Sequence[str], *arguments: object) -> "subprocess.Popen[bytes]":
    words = [sys.executable, *script, "embed", *arguments, "--json"]
    return subprocess.Popen([str(word) for word in words], env=os.environ, stdout=subprocess.PIPE)


def stopped(arguments: Sequence[object], number: signal.Signals, step: int = 5) -> int:
    """Start an embedding, send it the signal once a step is done, and return its exit code."""
    with started(("-c", _IMPATIENT), *arguments) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b'"step": %d,' % step in line:
                break
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=60)


def resumed(output: str) -> list[int]:
    """The steps from which pictures were gone on with."""
    events = [json.loads(line) for line in output.splitlines()]
    return [event["step"] for event in events if event["event"] == "resumed"]


@pytest.mark.parametrize(
    ("schedule", "batch", "step"),
    [
        ("paper", 1, 1),
        ("paper", 2, 12),
        ("fast", 2, 9),
        *(
            pytest.param(*other, marks=pytest.mark.slow)
            for other in (("paper", 1, 37), ("fast", 1, 3), ("fast", 1, 25))
        ),
    ],
)
def test_killed_and_resumed(
    photos: list[Path], tmp_path: Path, unbroken: Callable[[str], Path], quick: Quick, schedule: str, batch: int,
    step: int,
) -> None:  # fmt: skip
    pictures = ["astronaut", "chelsea"][:batch]
    arguments = (*photos[:batch], *quick[:-1], STEPS, "--schedule", schedule, "--batch", batch, "-o", tmp_path)
    whole = unbroken(schedule)
    assert stopped(arguments, signal.SIGKILL, step) == -signal.SIGKILL
    left = names(tmp_path)
    assert {f".{picture}.snapshot" for picture in pictures} <= set(left)
    assert not any(name.endswith(".safetensors") for name in left)
    done = invoke("embed", *arguments, "--resume", "--json")
    assert done.exit_code == 0
    steps = resumed(done.stdout)
    assert len(steps) == batch
    assert step <= min(steps) <= max(steps) < STEPS
    for picture in pictures:
        assert same_embedding(tmp_path / f"{picture}.safetensors", whole / f"{picture}.safetensors")
    assert names(tmp_path) == results(*pictures)


def test_the_command_as_it_is_takes_snapshots(astronaut: Path, tmp_path: Path, quick: Quick) -> None:
    arguments = (astronaut, *quick[:-1], 5000, "-o", tmp_path)
    command = ("-m", "i2s_trt")
    with started(command, *arguments) as process:
        assert process.stdout is not None
        for _ in process.stdout:
            if (tmp_path / ".astronaut.snapshot").exists():
                break
        process.kill()
    with started(command, *arguments, "--resume") as process:
        assert process.stdout is not None
        (step,) = next(steps for line in process.stdout if (steps := resumed(line.decode())))
        process.kill()
    assert 0 < step < 5000


def test_interrupted_and_resumed(
    astronaut: Path, tmp_path: Path, unbroken: Callable[[str], Path], quick: Quick
) -> None:
    arguments = (astronaut, *quick[:-1], STEPS, "-o", tmp_path)
    assert stopped(arguments, signal.SIGINT) == 130
    latent = read_latent(tmp_path / "astronaut.safetensors")
    assert latent.status == "interrupted"
    assert 5 <= len(latent.curve) < STEPS
    done = invoke("embed", *arguments, "--resume")
    assert "going on from step" in done.output
    assert same_embedding(tmp_path / "astronaut.safetensors", unbroken("paper") / "astronaut.safetensors")
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
