"""What is published: built from the source distribution, installed where nothing of ours is, and used there."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_BUILD = "from setuptools import build_meta; import sys; print(build_meta.build_{}(sys.argv[1]))"
_DEMO = """
from dataclasses import replace
from pathlib import Path
import i2s_trt
from i2s_trt.embedding.options import TuneOptions
from i2s_trt.demo.run import OPTIONS, run_demo
from i2s_trt.demo import page
assert {place!r} in i2s_trt.__file__, i2s_trt.__file__
page.FRAMES = 3
options, tune = replace(OPTIONS, steps=2, schedule="paper"), TuneOptions(1)
print(run_demo(Path("demo"), lambda _: False, options, tune).sheet)
"""


def run(*words: object, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(kind: str, source: Path, folder: Path) -> Path:
    folder.mkdir()
    return folder / run(sys.executable, "-c", _BUILD.format(kind), folder, folder=source).splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of what is in the source distribution and of nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    source = built("sdist", ROOT, folder / "sdist")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return built("wheel", folder / source.name.removesuffix(".tar.gz"), folder / "wheel")


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages alone."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_only_our_own_name_is_put_among_other_peoples_packages(site: Path) -> None:
    places = {path.name for path in site.iterdir()}
    assert {name for name in places if not name.endswith(".dist-info")} == {"i2s_trt"}
    floors = {path.name for path in (site / "i2s_trt" / "floors").iterdir()}
    assert floors == {"cli", "benchmarks", "engines", "export"}


def test_it_holds_what_users_need_and_leaves_out_what_developers_do(site: Path) -> None:
    weights, floors = site / "i2s_trt" / "weights", site / "i2s_trt" / "floors"
    for path in (
        weights / "demo" / "model.safetensors", weights / "factor_reader.safetensors", site / "i2s_trt" / "py.typed",
        site / "i2s_trt" / "demo" / "page.html", floors / "benchmarks" / "report" / "page.css",
        floors / "benchmarks" / "results" / "schema.json",
    ):  # fmt: skip
        assert path.is_file(), path
    assert sum(path.stat().st_size for path in weights.rglob("*.*")) < 24e6
    for path in (floors / "benchmarks" / "judge", floors / "benchmarks" / "first_run", site / "tests"):
        assert not path.exists(), path
    (information,) = site.glob("*.dist-info")
    assert {path.name for path in (information / "licenses").rglob("*") if path.is_file()} >= {"LICENSE", "NOTICE"}


def test_the_command_works_from_it_wherever_it_is_called(site: Path, tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text("raise SystemExit('somebody else')\n")
    words = (sys.executable, "-m", "i2s_trt")
    assert run(*words, "--version", folder=tmp_path, PYTHONPATH=str(site)).startswith("i2s-trt ")
    assert "the default features" in run(*words, "doctor", folder=tmp_path, PYTHONPATH=str(site))
    run(*words, "synthesize", "--seeds", "3", "-o", "out", folder=tmp_path, PYTHONPATH=str(site))
    assert list((tmp_path / "out").glob("*.png"))


def test_the_demo_runs_from_it(site: Path, tmp_path: Path) -> None:
    said = run(sys.executable, "-c", _DEMO.format(place=str(site)), folder=tmp_path, PYTHONPATH=str(site))
    assert said.splitlines()[-1] == "demo/contact-sheet.png"
    assert (tmp_path / "demo" / "index.html").is_file()
