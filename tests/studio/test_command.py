"""The command: it prints where it is, ends cleanly with all its children, and says what is in its way."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.speed.studio_client import Drag, drag
from cli.console import Console
from cli.edit_inputs import open_model
from cli.studio import _engine, _from_anywhere
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import save_model
from i2s_trt.models.random_weights import random_weights, standard_spec
from tests.conftest import Run, command
from tests.studio.conftest import SMALL, Served


@contextmanager
def _running(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command and its address."""
    given = ["studio", "--json", "--no-open", "--model", SMALL, "--engine", "torch", "--folder", folder, *words]
    process = subprocess.Popen(command(given), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        events = (json.loads(line) for line in process.stdout or ())
        yield process, next(event["url"] for event in events if event["event"] == "studio")
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_the_server_and_an_embedding_that_runs(tmp_path: Path, astronaut: Path) -> None:
    with _running(tmp_path, "--port", "0") as (process, url), httpx.Client(base_url=url, trust_env=False) as client:
        photograph = client.post("/api/photographs", content=astronaut.read_bytes(), timeout=60).json()["id"]
        client.post(
            "/api/embeddings", json={"photograph": photograph, "name": "a", "steps": 20_000, "schedule": "paper"}
        )
        end = time.monotonic() + 60
        while client.get("/api/embeddings").json()["embeddings"][0]["step"] < 2:
            assert time.monotonic() < end
            time.sleep(0.1)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        psutil.wait_procs(children, timeout=10)
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command(["studio", "--no-open", "--port", port, "--folder", tmp_path / "shelf"]), check=False,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 3
    assert "cannot be listened on" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "shelf").exists()


def test_elsewhere_the_address_has_a_token(tmp_path: Path) -> None:
    with _running(tmp_path, "--port", "0", "--host", "0.0.0.0") as (_process, url):
        token, port = url.partition("?token=")[2], url.split(":")[2].partition("/")[0]
        assert len(token) > 20
        here = f"http://127.0.0.1:{port}/api/shelf"
        with httpx.Client(trust_env=False) as client:
            assert client.get(here).status_code == 401
            assert client.get(here, headers={"X-Studio-Token": token}).status_code == 200


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_loaded(i2s: Callable[..., Run]) -> None:
    run = i2s("studio", "--no-open", "--port", "0", "--folder", "/dev/null/shelf")
    assert run.code == 2
    assert "/dev/null/shelf is not a folder" in run.err
    assert "--folder" in run.err
    assert "engine" not in run.out


def test_a_user_without_a_home_is_drawn_for_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _engine(Console(), "auto", "cpu") == "onnxruntime"
    monkeypatch.setenv("I2S_TRT_HOME", "/dev/null/home")
    assert _engine(Console(), "auto", "cpu") == "auto", "which takes what is there"
    assert _engine(Console(), "torch", "cpu") == "torch"
    told = capsys.readouterr().err
    assert told.count("no graph can be kept") == 1
    assert "set I2S_TRT_HOME" in told


def test_an_engine_that_was_chosen_is_not_said_to_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    open_model(Console(), SMALL, "cpu", "torch", "auto", any_model=False, reason="which is fast here")
    assert "torch in fp32 (which is fast here)" in capsys.readouterr().out


def test_help_imports_no_server() -> None:
    code = "import sys, cli.main; sys.exit('fastapi' in sys.modules or 'uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_the_benchmarks_clients_wait_for_each_picture(served: Served) -> None:
    import asyncio

    waits = asyncio.run(drag(served.host, Drag(3, 0.0, 0.3)))
    assert len(waits) >= 3
    assert all(ms > 0 for ms in waits)


def test_the_printed_command_names_a_model_from_wherever_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = random_weights(standard_spec(8, 8, 16), seed=1)
    save_model(tmp_path / "mine", ModelInfo("mine", weights.spec, weights.digest(), "random weights"), weights)
    (tmp_path / "file.pkl").write_bytes(b"")
    assert _from_anywhere("mine") == str(tmp_path / "mine")
    assert _from_anywhere("file.pkl") == str(tmp_path / "file.pkl")
    (tmp_path / "demo").mkdir()  # as the demo leaves it
    assert [_from_anywhere(name) for name in ("demo", SMALL)] == ["demo", SMALL]
