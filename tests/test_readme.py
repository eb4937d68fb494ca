"""The README's commands, run as a newcomer would run them: same output, but for figures."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import DATA, Run

README = Path(__file__).parent.parent / "README.md"
_TIMEOUT = 300


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def masked(text: str) -> list[str]:
    """Lines without figures, keys, paths and runs of blanks."""
    lines = (re.sub(r"\b[0-9a-f]{24}\b", "KEY", line) for line in text.splitlines())
    lines = (re.sub(r"\d+(\.\d+)?(e-\d+)?", "#", line) for line in lines)
    lines = (" ".join(line.split()) for line in lines)
    return ["store: PATH" if line.startswith("store: ") else line for line in lines if line]


def test_every_console_block_prints_what_it_says(tmp_path: Path, astronaut: Path, i2s: Callable[..., Run]) -> None:
    shutil.copy(astronaut, tmp_path / "photo.png")
    shutil.copy(DATA / "tiny32.pkl", tmp_path)
    commands = 0
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, expected = step.partition("\n")
            line = line.replace("--steps 200", "--steps 20")  # figures are masked, and 200 take a minute
            program, *words = shlex.split(line)
            if program == "i2s-trt":
                done = i2s(*words)
                assert done.code == 0, f"{line}\n{done.err}"
                assert masked(done.out) == masked(expected), line
                commands += 1
            else:
                shown = subprocess.run([program, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
                assert masked(shown.stdout) == masked(expected), line
    assert commands >= 6


def test_the_python_example_runs(tmp_path: Path, astronaut: Path) -> None:
    shutil.copy(astronaut, tmp_path / "photo.png")
    (example,) = blocks("python")
    script = example.replace("steps=100", "steps=3")
    assert script != example
    environment = {**os.environ, "PYTHONPATH": str(README.parent)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True,
        timeout=_TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "(12, 384)" in done.stdout
    assert (tmp_path / "photo.safetensors").exists()


def test_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target


def test_every_command_in_the_table_exists_and_none_is_missing() -> None:
    from cli.main import app

    listed = set(re.findall(r"^\| `i2s-trt ([a-z-]+)", README.read_text(), re.MULTILINE))
    groups = {group.name for group in app.registered_groups}
    assert listed == {command.name for command in app.registered_commands} | groups
