"""`i2s-trt bench`."""

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed.environment import describe_environment
from benchmarks.speed.results_file import read_results, write_results
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.models.random_weights import random_weights, standard_spec
from tests.benchmarks.sample import results
from tests.benchmarks.speed.quality.recognisers import save_recogniser
from tests.cli.support import I2s, invoke, refused, says
from tests.conftest import command
from tests.rough_curvature import keep_rough_curvature


def test_a_suite_is_measured_and_kept(i2s: I2s, tmp_path: Path) -> None:
    run = i2s("bench", "machine", "--quick", "-m", "random-16", "-o", "r.json")
    assert run.code == 0, run.err
    assert "machine" in run.out
    assert "complete" in run.out
    assert "i2s-trt report r.json" in run.out
    machine = read_results(tmp_path / "r.json").suites["machine"]
    assert (machine.status, machine.quick) == ("complete", True)
    assert machine.rows


def test_events_for_machines_and_suites_beside_earlier_ones(
    i2s: I2s, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # chosen by the user: the command leaves it
    environment = describe_environment("cpu")
    write_results(tmp_path / "r.json", replace(results(), environment=environment))
    run = i2s("bench", "machine", "--quick", "-m", "random-16", "-o", "r.json", "--json")
    assert run.code == 0, run.err
    kinds = [event["event"] for event in run.events]
    assert (kinds[0], kinds[-1]) == ("environment", "end")
    assert {"progress", "row"} <= set(kinds)
    rows = [event for event in run.events if event["event"] == "row"]
    kept = read_results(tmp_path / "r.json").suites
    assert len(rows) == len(kept["machine"].rows)
    assert rows[0]["figures"]["rate"]["value"] == kept["machine"].rows[0].figures["rate"].value
    assert kept["step"] == results().suites["step"]
    assert kept["machine"] != results().suites["machine"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["warp"], "no suite named warp"), (["machine", "--device", "tpu"], "no device named tpu"),
     (["machine", "--time-budget", "0"], "--time-budget")],
)  # fmt: skip
def test_mistakes_are_explained(arguments: list[str], words: str, tmp_path: Path) -> None:
    refused(invoke("bench", *arguments, "-o", tmp_path / "r.json"), 2, words)
    assert not (tmp_path / "r.json").exists()


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    refused(invoke("bench", "machine", "--device", "cuda:99", "-o", tmp_path / "r.json"), 3, "no CUDA device")


def test_results_of_another_machine_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_results(path, results())
    before = path.read_bytes()
    refused(invoke("bench", "machine", "-o", path), 2, "another machine", "name another file")
    assert path.read_bytes() == before


def test_files_that_are_no_results_are_left_alone(i2s: I2s, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    says(i2s("bench", "machine", "-o", "r.json"), 2, "r.json does not hold benchmark results")
    assert (tmp_path / "r.json").read_text() == "{}"
    says(i2s("bench", "machine", "-o", "missing/r.json"), 3, "missing/r.json")


def test_quality_against_seconds_from_the_command_to_the_report(i2s: I2s, own_home: Path, tmp_path: Path) -> None:
    weights = random_weights(standard_spec(16, 16, 24), seed=3)
    save_model(own_home / "models" / "toy", ModelInfo("toy", weights.spec, weights.digest(), "random weights"), weights)
    keep_rough_curvature(load_generator("toy"))
    save_recogniser(tmp_path / "faces.onnx")
    words = ("--quick", "-m", "toy", "-p", "astronaut", "--identity", "faces.onnx")
    run = i2s("bench", "quality", *words, "-o", "r.json")
    assert run.code == 0, run.err
    assert "not measured: encoder with toy: no encoder has been trained" in run.err
    suite = read_results(tmp_path / "r.json").suites["quality"]
    assert suite.status == "complete"
    assert {row.case.variant for row in suite.rows} == {"fast", "paper", "tuned"}
    assert all(curve.columns[-1] == "identity" for curve in suite.curves)
    assert [len(curve.points) for curve in suite.curves] == [2, 2, 3]
    assert i2s("report", "r.json", "-o", "r.md").code == 0
    assert "What one second buys on" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["machine", "--identity", "r.onnx"], "--identity has no part in machine"),
     (["step", "machine", "--picture", "cat"], "--picture has no part in machine, step"),
     (["quality", "--identity", "none.onnx"], "--identity: there is no file none.onnx"),
     (["quality", "--picture", "ann.jpg"], "there is no picture ann.jpg"),
     (["quality", "--identity", __file__], "ONNX Runtime cannot load"),
     (["machine", "--network", "10"], "--network has no part in machine"),
     (["machine", "--folder", "out"], "--folder has no part in machine")],
)  # fmt: skip
def test_what_a_suite_cannot_be_measured_with(words: list[str], said: str, tmp_path: Path) -> None:
    refused(invoke("bench", *words, "-o", tmp_path / "r.json"), 2, said)
    assert not (tmp_path / "r.json").exists()


def test_an_unknown_model_is_recorded_with_its_reason(i2s: I2s, tmp_path: Path) -> None:
    run = i2s("bench", "machine", "--quick", "-m", "nobody", "-o", "r.json")
    assert run.code == 0
    assert "not measured: floors of nobody" in run.err
    (skip,) = read_results(tmp_path / "r.json").suites["machine"].skipped
    assert "nobody" in skip.reason


def test_ctrl_c_keeps_what_is_measured(tmp_path: Path) -> None:
    words = ["bench", "machine", "-m", "random-16", "-o", tmp_path / "r.json", "--json"]
    process = subprocess.Popen(
        command(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "row":
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=120)
    assert process.returncode == 130
    machine = read_results(tmp_path / "r.json").suites["machine"]
    assert machine.status == "interrupted"
    assert machine.rows


def test_kill_keeps_what_is_measured_and_leaves_no_process(tmp_path: Path) -> None:
    words = ["bench", "machine", "-m", "random-16", "-o", tmp_path / "r.json", "--json"]
    process = subprocess.Popen(command(words), stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "row":
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    assert read_results(tmp_path / "r.json").suites["machine"].status == "interrupted"
    for child in children:
        for _ in range(100):
            status = Path(f"/proc/{child}/status")
            if not status.exists() or "zombie" in status.read_text():
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {child} lives on")
