"""The command imports its own packages, whatever else bears their names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from i2s_trt.entry import find_floors

ROOT = Path(__file__).parent.parent


def start(folder: Path, *search: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m i2s_trt --version` in a folder, with more places on the module search path."""
    path = os.pathsep.join(map(str, search))
    return subprocess.run(
        [sys.executable, "-m", "i2s_trt", "--version"], cwd=folder, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_in_a_checkout_the_floors_lie_beside_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    find_floors()
    assert sys.path == [str(ROOT), "elsewhere"]


@pytest.mark.parametrize("name", ["cli", "benchmarks", "engines", "export"])
def test_a_foreign_package_first_on_the_path_is_not_run(name: str, tmp_path: Path) -> None:
    package = tmp_path / "other" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the foreign package was run')\n")
    done = start(tmp_path, tmp_path / "other")
    assert done.stdout.startswith("i2s-trt "), done.stderr


def test_a_foreign_module_in_the_current_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "engines.py").write_text("raise SystemExit('the foreign module was run')\n")
    (tmp_path / "export").mkdir()
    assert start(tmp_path).stdout.startswith("i2s-trt ")
