"""The entry point tells its own packages from foreign ones of the same name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from i2s_trt import errors
from i2s_trt.entry import foreign_packages


def start(folder: Path, *search: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m i2s_trt --version` in a folder, with more places on the module search path."""
    path = os.pathsep.join(map(str, search))
    return subprocess.run(
        [sys.executable, "-m", "i2s_trt", "--version"], cwd=folder, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str], name: str, place: Path) -> None:
    assert done.returncode == errors.EXIT_ENVIRONMENT
    assert f"error: the package '{name}' at {place} is not i2s-trt's" in done.stderr
    assert "mend: " in done.stderr
    assert "Traceback" not in done.stderr


def test_our_own_packages_are_recognised(tmp_path: Path) -> None:
    assert foreign_packages() == {}
    assert start(tmp_path).stdout.startswith("i2s-trt ")


def test_a_foreign_package_first_on_the_path(tmp_path: Path) -> None:
    package = tmp_path / "other" / "cli"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the foreign package was run')\n")
    refused(start(tmp_path, tmp_path / "other"), "cli", package)


def test_a_foreign_module_first_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "engines.py").write_text("raise SystemExit('the foreign module was run')\n")
    refused(start(tmp_path), "engines", tmp_path / "engines.py")


def test_an_unrelated_folder_of_that_name_never_stands_in_for_ours(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    done = start(tmp_path)
    if done.returncode:  # an editable installation, which Python searches after the current folder
        refused(done, "export", tmp_path / "export")
    script = Path(sys.executable).with_name("i2s-trt")
    if not script.exists():
        pytest.skip("the command is not installed")
    assert subprocess.run([script, "--version"], cwd=tmp_path, check=False, capture_output=True).returncode == 0
