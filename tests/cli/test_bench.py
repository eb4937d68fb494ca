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
from tests.benchmarks.sample import results
from tests.cli.support import I2s, invoke, refused, says
from tests.conftest import command


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
