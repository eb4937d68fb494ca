"""Commands whose progress bar nobody sees: a line now and then says that they work, and how far they are."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import console as module
from cli.console import Console, loss_text
from tests.cli.support import invoke

_PATIENCE = 20.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.01)


def lines_until(capsys: pytest.CaptureFixture[str], wanted: Callable[[str], bool]) -> str:
    """What is said on stderr until it is what is waited for."""
    said, end = "", time.monotonic() + _PATIENCE
    while not wanted(said) and time.monotonic() < end:
        said += capsys.readouterr().err
        time.sleep(0.005)
    assert wanted(said), said
    return said


@pytest.mark.usefixtures("impatient")
def test_a_bar_that_nobody_sees_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress() as bar:
        lines_until(capsys, lambda said: "working (0 s)" in said)
        bar.show("photo", 12, 200, "loss 3.5")
        lines_until(capsys, lambda said: said.count("photo: 12 of 200, loss 3.5 (") >= 2)
        bar.show("bytes", 12, 0)
        lines_until(capsys, lambda said: "bytes: 12 (" in said)
        bar.hide()
        lines_until(capsys, lambda said: "working (" in said)
    capsys.readouterr()
    time.sleep(0.05)
    assert capsys.readouterr().err == ""
    assert module._REPEATER not in [thread.name for thread in threading.enumerate()]


@pytest.mark.usefixtures("impatient")
def test_events_are_alone_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    with Console(as_json=True).progress() as bar:
        bar.show("photo", 12, 200)
        time.sleep(0.1)
    assert capsys.readouterr() == ("", "")


def test_what_is_soon_done_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress() as bar:
        bar.show("photo", 12, 200)
    assert capsys.readouterr().err == ""
    assert module.QUIET_SECONDS <= 30


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (7530, "2 h 5 min")]
)
def test_how_long_it_has_gone_on(seconds: float, text: str) -> None:
    assert module._duration(seconds) == text


@pytest.mark.usefixtures("impatient")
def test_long_commands_say_that_they_work(
    small: Path, astronaut: Path, tmp_path: Path, quick: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipe.toml").write_text('[[edit]]\nname = "plain"\noperation = "identity"\n')
    commands = {
        "embed": ("embed", astronaut, *quick),
        "edit": ("edit", "recipe.toml", "--seeds", "1-9", "-m", small, "--engine", "torch"),
        "experiment": ("experiment", "table1", "--quick", "--steps", 1, "-m", small, "--features", "random"),
        "train-encoder": ("train-encoder", "-m", small, "--presentations", 32, "--features", "random"),
    }
    for name, words in commands.items():
        said = invoke(*words).output
        assert any(line.endswith(" s)") for line in said.splitlines()), (name, said)


@pytest.mark.parametrize(
    ("loss", "text"),
    [(88613.7, "88,610"), (999.96, "1,000"), (963.24, "963.2"), (0.042171, "0.04217"), (0.0, "0")],
)
def test_losses_are_written_as_people_read_them(loss: float, text: str) -> None:
    assert loss_text(loss) == text


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_what_is_no_number_is_written_as_such(loss: float) -> None:
    assert loss_text(loss) == str(loss)
