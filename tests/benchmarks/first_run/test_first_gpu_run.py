"""The first run on a GPU, rehearsed on the CPU as on a machine that has little installed, and on the fake card."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import benchmarks.first_run.correctness as correctness_module
from benchmarks.first_run import stages
from benchmarks.first_run.correctness import Verdict, check_device
from benchmarks.first_run.stage import WRONG, main, read_report, read_verdict, run_stage
from benchmarks.speed.bench import Bench
from benchmarks.speed.results_file import read_results
from benchmarks.speed.schema import Skip
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.errors import EnvironmentFault
from tests.rough_curvature import keep_rough_curvature

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "benchmarks" / "first_gpu_run.sh"
STAGES = ["environment", "correctness", "tests", "step", "embed", "synthesis"]
_ABSENT = (
    "av", "isal", "matplotlib", "pooch", "psutil", "platformdirs", "requests", "skimage", "hypothesis", "onnxscript",
    "tensorrt", "tensorrt_rtx",
)  # fmt: skip


def script(folder: Path, *words: object, absent: tuple[str, ...] = _ABSENT) -> subprocess.CompletedProcess[str]:
    """Run it where some packages are not installed."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))\n")
    environment = {k: v for k, v in os.environ.items() if k != "I2S_TRT_HOME"}
    return subprocess.run(
        [str(SCRIPT), *map(str, words)],
        env={**environment, "PYTHON": sys.executable, "PYTHONPATH": str(site)},
        cwd=folder, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_it_runs_from_end_to_end_with_little_installed_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("I2S_TRT_HOME", str(tmp_path / "results" / "home"))
    keep_rough_curvature(load_generator("random-16"))
    words = ("--device", "cpu", "--quick", "--output", "results")
    done = script(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == STAGES
    assert all(line.split()[1] == "well" for line in lines)
    folder = tmp_path / "results"
    skipped = {skip.what: skip.reason for skip in read_report(folder / "environment.json").skipped}
    assert "pip install --no-index --find-links" in skipped["onnxscript"]
    assert read_report(folder / "correctness.json").passed
    assert {row.case.variant for row in read_results(folder / "step.json").suites["step"].rows} >= {"plain", "fused"}
    assert [row.case.variant for row in read_results(folder / "embed.json").suites["embed"].rows] == ["paper", "fast"]
    synthesis = read_results(folder / "synthesis.json").suites["synthesis"]
    assert [row.case.variant for row in synthesis.rows] == ["torch"]
    assert "onnxscript" in synthesis.skipped[0].reason
    assert (folder / "home").is_dir()

    before = {stage: (folder / f"{stage}.json").read_bytes() for stage in STAGES}
    (folder / "environment.json").unlink()
    again = script(tmp_path, *words)
    assert again.stdout.count("(there already)") == 5
    assert all((folder / f"{stage}.json").read_bytes() == before[stage] for stage in STAGES[1:])
    other = script(tmp_path, "--device", "cpu", "--output", "results")
    assert other.returncode == 1
    assert "is of cpu, quick; give --fresh, or another --output" in other.stdout


def test_without_a_gpu_every_stage_says_so_and_none_holds_up_the_next(tmp_path: Path) -> None:
    if not any(missing_gpu()):
        pytest.skip("this machine has a GPU")
    done = script(tmp_path, "--output", tmp_path, "--quick")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == STAGES
    assert "PyTorch finds a GPU: torch" in lines[0]
    assert all("there is no CUDA device cuda that PyTorch can use; use --device cpu" in line for line in lines[1:])
    assert "there is no CUDA device" in json.loads((tmp_path / "step.failed.json").read_text())["reason"]


def missing_gpu() -> Iterator[bool]:
    import torch

    yield not torch.cuda.is_available()


def test_mistakes_and_what_nothing_runs_without_are_explained(tmp_path: Path) -> None:
    unknown = script(tmp_path, "--warp")
    assert (unknown.returncode, "no option --warp" in unknown.stderr) == (2, True)
    assert "--output FOLDER" in script(tmp_path, "--help").stdout
    bare = script(tmp_path, "--output", tmp_path, absent=("pydantic", "safetensors"))
    assert bare.returncode == 3
    assert "nothing runs without pydantic safetensors: pip install pydantic safetensors" in bare.stderr


def test_a_device_that_computes_something_else_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = correctness_module._curve

    def off(*arguments: object) -> tuple[np.ndarray, str]:
        losses, kind = curve(*arguments)  # type: ignore[arg-type]
        return (losses if arguments[1].method == "plain" else losses * 1.02), kind  # type: ignore[attr-defined]

    monkeypatch.setattr(correctness_module, "_curve", off)
    verdicts = {verdict.what: verdict for verdict in check_device("random-16", "cpu", 2)}
    first, all_steps = verdicts["losses in fp32, at first, apart"], verdicts["losses in fp32, apart"]
    assert (first.passed, all_steps.passed) == (False, True)
    assert first.measured == pytest.approx(0.02, rel=0.01)
    assert "near for 0;" in first.note
    assert verdicts["pictures in bf16, dB"].passed


def test_a_slow_cpu_is_not_waited_for() -> None:
    notes = [verdict.note for verdict in check_device("random-16", "cpu", 500, seconds=0.0) if verdict.note]
    assert all(note.startswith("1 steps, eager; near for 1;") for note in notes), notes


def test_a_verdict_on_no_number_is_written_and_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verdict("losses", passed=False, measured=correctness_module._finite(float("nan")), limit=0.01, note="nan")
    monkeypatch.setitem(stages.CHECKS, "correctness", lambda _bench, _output: iter([verdict]))
    assert run_stage("correctness", Bench(), tmp_path) == (False, "0 of 1 checks passed; losses: nan")
    assert read_verdict(tmp_path / "correctness.json")[0] is False


def test_a_stage_that_breaks_is_recorded_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(_bench: Bench, _output: Path) -> Iterator[Verdict]:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(sys, "argv", ["first_run", "tests", "--device", "cpu", "--output", str(tmp_path)])
    whole = stages.CHECKS["tests"]
    monkeypatch.setitem(stages.CHECKS, "tests", breaks)
    assert main() == WRONG
    assert "WRONG ZeroDivisionError: by nothing" in capsys.readouterr().out
    assert "breaks" in json.loads((tmp_path / "tests.failed.json").read_text())["trace"]
    monkeypatch.setitem(stages.CHECKS, "tests", whole)
    assert main() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["tests.json"]


def test_pytests_record_becomes_verdicts(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(
        '<testsuites><testsuite><testcase classname="a" name="good"/>'
        '<testcase classname="a" name="bad"><failure message="assert 1 == 2">trace</failure></testcase>'
        '<testcase classname="a" name="left"><skipped message="no RTX card"/></testcase>'
        '<testcase classname="" name="b"><error message="collection failure">E   ModuleNotFoundError: No module named '
        "'hypothesis'</error></testcase>"
        '<testcase classname="" name="c"><error message="collection failure">SyntaxError</error></testcase>'
        "</testsuite></testsuites>"
    )
    assert list(stages.test_verdicts(tmp_path / "tests.xml")) == [
        Verdict("a::good", passed=True),
        Verdict("a::bad", passed=False, note="assert 1 == 2"),
        Skip("a::left", "no RTX card"),
        Skip("b", "No module named 'hypothesis'"),
        Verdict("c", passed=False, note="collection failure"),
    ]


def test_a_missing_device_is_an_error_with_a_hint() -> None:
    with pytest.raises(EnvironmentFault, match="no CUDA device cuda:99"):
        list(check_device("random-16", "cuda:99", 1))
