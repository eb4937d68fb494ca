"""Help, version, usage errors, and what `--json` promises."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from cli import main
from cli.console import Console
from cli.main import app
from i2s_trt.files import explain_os_error
from tests.cli.support import I2s, says
from tests.conftest import command


def commands(group: Typer, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command of the program."""
    found = [(*prefix, str(item.name)) for item in group.registered_commands]
    for item in group.registered_groups:
        assert item.typer_instance is not None
        found += commands(item.typer_instance, (*prefix, str(item.name)))
    return found


@pytest.mark.parametrize("words", commands(app), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    assert f"Example: i2s-trt {' '.join(words)}" in shown.output
    assert "--json" in shown.output


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "sys.argv = ['i2s-trt', *sys.argv[1:]]\n"
        "from i2s_trt.entry import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'torch', 'numpy', 'PIL', 'matplotlib', 'safetensors', 'requests', 'pooch', 'cv2'}\n"
        "print('LOADED', code, sorted(heavy & set(sys.modules)))\n"
    )
    for words in (["--help"], ["--version"], ["embed", "--help"], ["models", "pull", "-h"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "LOADED 0 []"


def test_version(i2s: I2s) -> None:
    run = i2s("--version")
    assert (run.code, run.out.split()[0]) == (0, "i2s-trt")


@pytest.mark.parametrize(
    "words", [["--bogus"], ["bogus"], ["embed"], ["embed", "a.jpg", "--bogus"], ["embed", "a.jpg", "--steps", "many"],
    ["embed", "a.jpg", "--batch", "0"], ["synthesize", "--batch", "-1"], ["models", "bogus"], ["models", "pull"]],
    ids=" ".join,
)  # fmt: skip
def test_mistakes_on_the_command_line_exit_2(i2s: I2s, words: list[str]) -> None:
    says(i2s(*words), 2, "error: ", "--help")


def test_mistakes_with_json_are_events(i2s: I2s) -> None:
    run = i2s("embed", "a.jpg", "--bogus", "--json")
    assert (run.code, run.err) == (2, "")
    (event,) = run.events
    assert event["event"] == "error"
    assert "--bogus" in event["message"]
    assert "--help" in event["hint"]
    run = i2s("synthesize", "--json")
    assert (run.code, run.err) == (2, "")
    assert [event["message"] for event in run.events] == ["nothing to render"]


def test_no_command_shows_the_help(i2s: I2s) -> None:
    assert "Usage: i2s-trt" in i2s().out
    assert "pull" in i2s("models").out


def test_a_reader_that_leaves_and_a_full_standard_output(tmp_path: Path) -> None:
    listing = " ".join(command(["models", "list"]))
    for line, code in ((f"{listing} | head -0; exit 0", 0), (f"{listing} > /dev/full", 3)):
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("words", "resumes"), [("embed", True), ("edit", True), ("morph", False), ("models", False), ("bench", False)]
)
def test_a_full_disk_is_answered_with_resume_by_the_commands_that_have_it(
    words: str, resumes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **_options: object) -> None:
        raise explain_os_error("a.png", OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(sys, "argv", ["i2s-trt", words, "x"])
    monkeypatch.setattr(Typer, "__call__", full)
    with pytest.raises(SystemExit) as caught:
        main.run()
    assert caught.value.code == 3
    hint = capsys.readouterr().err.split("hint: ")[1].strip()
    again = "free some space and run the same command again"
    assert hint == (f"{again} with --resume: what is finished is kept" if resumes else again)


def test_tables_in_a_pipe_keep_a_row_on_a_line(i2s: I2s) -> None:
    assert any("[gpu]" in line and "not from PyPI" in line for line in i2s("doctor").out.splitlines())


def test_events_are_json_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=True).event("x", number=float("nan"), path=Path("a"), items=[(1, float("inf"))], none=None)
    event = json.loads(capsys.readouterr().out)
    assert event == {"event": "x", "number": None, "path": "a", "items": [[1, None]], "none": None}


def test_names_with_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    with console.progress() as bar:
        bar.show("[/red].jpg", 1, 2, "[bold")
    console.table(["a"], [["[red]x[/]"]])
    assert "[red]x[/]" in capsys.readouterr().out
