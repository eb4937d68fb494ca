"""`i2s-trt experiment`: all studies on a model of 16 pixels, resumed after a kill, and mistakes."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper import lab, settings
from benchmarks.paper.catalogue import NAMES
from i2s_trt.images.compose import write_png
from tests.cli.support import I2s, invoke, refused
from tests.conftest import Run, command


@pytest.fixture(scope="session")
def tiny_run(small: Path) -> tuple[object, ...]:
    """Options of a run that takes seconds."""
    return ("--quick", "--steps", 1, "-m", small, "--features", "random", "--device", "cpu")


@pytest.fixture(scope="module", autouse=True)
def fewer_pixels() -> Iterator[None]:
    """Of what the features look at, and samples of the model: neither has to do with how studies are run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_QUICK_PERCEPTUAL_SIZE", 32)
        patch.setattr(lab, "_SAMPLES", 64)
        yield


@dataclass(frozen=True)
class Finished:
    """A run of all studies, and the folder in which it left them."""

    run: Run
    folder: Path


@pytest.fixture(scope="module")
def finished(tiny_run: tuple[object, ...], fewer_pixels: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("experiment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2S_TRT_HOME", str(tmp_path_factory.mktemp("no-other-models")))
        return Finished(within("all", *tiny_run, "-o", folder, "--json"), folder)


def outcomes(run: Run) -> dict[str, str]:
    return {event["study"]: event["event"] for event in run.events if event["event"] in ("outcome", "kept", "failed")}


def within(*words: object) -> Run:
    """The command within this process: all studies take long where many processes share the machine."""
    done = invoke("experiment", *words)
    return Run(done.exit_code, done.stdout, done.stderr)


def test_all_studies_run_and_are_kept(tiny_run: tuple[object, ...], finished: Finished) -> None:
    first, folder = finished.run, finished.folder
    assert (first.code, first.err) == (0, "")
    assert outcomes(first) == dict.fromkeys(NAMES, "outcome")
    results = json.loads((folder / "results.json").read_text())
    assert [study["name"] for study in results["studies"]] == list(NAMES)
    verdicts = {study["name"]: study["verdict"] for study in results["studies"]}
    assert {name for name, verdict in verdicts.items() if verdict.startswith("not testable")} == {
        "figure7", "figure12", "figure18", "figure19",
    }  # fmt: skip
    again = within("all", *tiny_run, "-o", folder, "--json")
    assert outcomes(again) == dict.fromkeys(NAMES, "kept")
    (plan,) = (event for event in again.events if event["event"] == "plan")
    assert (plan["embeddings"], plan["steps"]) == (0, 0)


def test_the_report_shows_whatever_is_finished(tiny_run: tuple[object, ...], finished: Finished) -> None:
    folder = finished.folder
    run = within("figure2", *tiny_run, "-o", folder)
    assert run.code == 0, run.err
    assert "table1: " in run.out
    assert f"report:   {folder / 'report.html'}" in run.out
    page = (folder / "report.html").read_text()
    assert all(f'id="{name}"' in page for name in NAMES)
    assert page.count("data:image/jpeg") > 15


def test_dealt_pictures_reuse_the_embeddings(tiny_run: tuple[object, ...], finished: Finished) -> None:
    run = within("figure20", "--shuffle", *tiny_run, "-o", finished.folder, "--json")
    (plan,) = (event for event in run.events if event["event"] == "plan")
    assert plan["embeddings"] == 0
    assert outcomes(run) == {"figure20": "outcome"}


def test_killed_and_run_again(i2s: I2s, tiny_run: tuple[object, ...], tmp_path: Path) -> None:
    words = command(["experiment", "figure1", "figure20", *tiny_run, "-o", tmp_path / "out"])
    running = subprocess.Popen(words, env=os.environ, cwd=tmp_path, stdout=subprocess.DEVNULL)
    store = tmp_path / "out" / "embeddings"
    deadline = time.monotonic() + 200
    while len(list(store.glob("*.safetensors"))) < 3 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = {path: path.stat().st_mtime_ns for path in store.glob("*.safetensors")}
    assert before
    (tmp_path / "out" / "figure1").mkdir(exist_ok=True)
    (tmp_path / "out" / "figure1" / ".x.tmp").write_text("half")
    run = i2s("experiment", "figure1", "figure20", *tiny_run, "-o", tmp_path / "out", "--json")
    assert run.code == 0, run.err
    (plan,) = (event for event in run.events if event["event"] == "plan")
    assert plan["embeddings"] == 25 - len(before) or plan["embeddings"] == 0
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert (tmp_path / "out" / "report.html").exists()


def test_a_folder_of_pictures(i2s: I2s, tiny_run: tuple[object, ...], tmp_path: Path) -> None:
    for label in ("faces", "cars"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for i in range(2):
            write_png(tmp_path / "mine" / label / f"{i}.png", np.full((20, 20, 3), 40 * i + len(label), np.uint8))
    run = i2s("experiment", "figure20", "figure21", "--images", tmp_path / "mine", *tiny_run, "-o", "out")
    assert run.code == 0, run.err
    assert "2 faces, 2 cars" in run.out


def test_a_folder_without_faces_leaves_their_claims_open(
    i2s: I2s, tiny_run: tuple[object, ...], tmp_path: Path
) -> None:
    (tmp_path / "cars").mkdir()
    write_png(tmp_path / "cars" / "a.png", np.full((20, 20, 3), 40, np.uint8))
    run = i2s("experiment", "table1", "figure5", "--images", tmp_path / "cars", *tiny_run, "-o", "out", "--json")
    assert run.code == 0, run.err
    found = {event["study"]: event for event in run.events if event["event"] == "outcome"}
    assert found["table1"]["verdict"] == "not testable with this model"
    assert "no pictures of faces" in found["table1"]["reason"]
    assert found["figure5"]["verdict"] in ("holds", "does not hold")


def test_the_list_names_every_study() -> None:
    shown = invoke("experiment", "list")
    assert shown.exit_code == 0
    assert all(name in shown.output for name in NAMES)
    events = [json.loads(line) for line in invoke("experiment", "list", "--json").output.splitlines()]
    assert [event["name"] for event in events] == list(NAMES)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["figure99"], "no study named figure99"), (["all", "--learning-rate", "0"], "--learning-rate"),
     (["all", "--images", "nowhere"], "nowhere is not a folder"), (["all", "-m", "nobody"], "nobody")],
    ids=str,
)  # fmt: skip
def test_mistakes_are_explained(words: list[str], said: str, tmp_path: Path) -> None:
    refused(invoke("experiment", *words, "-o", tmp_path / "out"), 2, said)


def test_two_runs_in_one_folder(tiny_run: tuple[object, ...], tmp_path: Path) -> None:
    from benchmarks.paper.runner import sole_user

    with sole_user(tmp_path / "out"):
        refused(invoke("experiment", "figure1", *tiny_run, "-o", tmp_path / "out"), 2, "another run works in")
