"""`i2s-trt models` with real files and a real server, and the models that must not be believed."""

import os
import pickle
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.support import I2s, invoke, limit_file_size, names, refused, says
from tests.conftest import DATA


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Trap:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trace",)


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a web server with the test data."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(DATA))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_import_list_info_and_use(i2s: I2s, own_home: Path, tmp_path: Path) -> None:
    run = i2s("models", "import", DATA / "tiny32.pkl", "--name", "tiny", "--licence", "CC0")
    assert run.code == 0, run.err
    assert "imported tiny: 32x32, 8 layers, from a tensorflow pickle file" in run.out
    assert names(own_home / "models/tiny") == ["model.json", "model.safetensors"]
    listed = i2s("models", "list", "--json").events
    assert [event["name"] for event in listed] == ["demo", "tiny"]
    shown = invoke("models", "info", "tiny").output
    for word in ("w+ is 8 x", "digest", "tiny32.pkl (tensorflow pickle)", "CC0"):
        assert word in shown
    done = invoke("synthesize", "-m", "tiny", "--seeds", 1, "-o", tmp_path / "out")
    assert (done.exit_code, names(tmp_path / "out")) == (0, ["seed0001.png"])
    taken = ("models", "import", DATA / "tiny32.pkl", "--name", "tiny")
    refused(invoke(*taken), 2, "already in the store", "--overwrite")
    assert invoke(*taken, "--overwrite", "--crop", "4-28").exit_code == 0
    assert "32x24" in invoke("models", "list").output
    assert invoke(*taken, "--overwrite", "--crop-columns", "8-24").exit_code == 0
    assert "16x32" in invoke("models", "list").output


@pytest.mark.parametrize("crop", ["64", "448-64", "a-b", "²-³", "-1-5"])
def test_crops_that_are_none(crop: str) -> None:
    refused(invoke("models", "import", DATA / "tiny32.pkl", "--crop", crop), 2, "--crop", "64-448")
    refused(invoke("models", "import", DATA / "tiny32.pkl", "--crop-columns", crop), 2, "--crop-columns", "64-448")


def test_names_that_are_none(own_home: Path) -> None:
    for name in ("demo", "../up", "random-64", "a b"):
        refused(invoke("models", "import", DATA / "tiny32.pkl", "--name", name), 2, "cannot name a model")
    assert names(own_home) == []


def test_pull_from_a_mirror(server: str, own_home: Path) -> None:
    done = invoke("models", "pull", "cat", "--url", f"{server}/tiny32.pkl", "--no-check", "--json")
    assert done.exit_code == 0, done.output
    assert names(own_home / "models") == ["cat"]
    assert '"event": "downloaded"' in done.stdout


def test_pull_of_another_file_is_refused(server: str, own_home: Path) -> None:
    done = invoke("models", "pull", "ffhq", "--url", f"{server}/tiny32.pkl")
    refused(done, 3, "its digest is not sha256:f277", "models import")
    assert not (own_home / "models").exists()
    assert [name for name in names(own_home / "downloads") if name.endswith(".pkl")] == []


def test_pull_of_what_is_not_there(server: str) -> None:
    refused(invoke("models", "pull", "cat", "--url", f"{server}/none.pkl"), 3, "could not be downloaded", "404")
    refused(invoke("models", "pull", "cat", "--url", "http://127.0.0.1:9/x.pkl"), 3, "could not be downloaded")
    refused(invoke("models", "pull", "dog"), 2, "no known source named dog", "ffhq")


def test_models_that_are_none(astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "text.pkl").write_text("this is no model")
    for words, message in (
        (["embed", astronaut, "-m", tmp_path / "text.pkl", "-o", tmp_path / "out"], "neither a network pickle"),
        (["models", "import", tmp_path / "text.pkl"], "neither a network pickle"),
        (["models", "import", tmp_path / "none.pkl"], "cannot be read"),
        (["models", "info", "unknown"], "no model or file named unknown"),
    ):
        refused(invoke(*words), 2, message, "hint")
    assert names(tmp_path) == ["text.pkl"]


def test_a_hostile_pickle_as_model_leaves_no_trace(i2s: I2s, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps((Trap(), Trap(), Trap())))
    says(i2s("embed", astronaut, "-m", "evil.pkl", "-o", "out"), 2, "evil.pkl")
    refused(invoke("models", "import", tmp_path / "evil.pkl"), 2, "evil.pkl")
    assert names(tmp_path) == ["evil.pkl"]


def test_a_full_disk_leaves_no_half_model(i2s: I2s, own_home: Path, tmp_path: Path) -> None:
    shutil.copy(DATA / "tiny32.pkl", tmp_path)
    says(i2s("models", "import", "tiny32.pkl", preexec_fn=limit_file_size(10_000)), 3, "disk is full")
    assert [path for path in (own_home / "models").rglob("*") if path.is_file()] == []
    assert [event["name"] for event in i2s("models", "list", "--json").events] == ["demo"]
