"""The head of a cluster goes: the run ends with what to do, before Ray ends it with a line of its own."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from i2s_trt.cluster import head as heads
from i2s_trt.cluster.head import Head
from i2s_trt.errors import EnvironmentFault
from tests.cluster.conftest import start_machines
from tests.cluster.models import save_toy
from tests.cluster.test_embed import wait_for
from tests.conftest import command

RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = { from = 0.9, to = 0.1, steps = 100 }\n'


def test_a_head_that_does_not_answer_for_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_BETWEEN", 0.0)
    monkeypatch.setattr(heads, "_SOON", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        head = Head(address)
        head.must_answer()
    assert not head.look(), "it may come back"
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        assert head.look()
    monkeypatch.setattr(heads, "GRACE", 0.0)
    assert not head.is_lost
    with pytest.raises(EnvironmentFault, match=f"the head of the cluster at {address} is gone") as caught:
        head.must_answer()
    assert "--resume" in caught.value.hint
    assert head.is_lost


def test_one_that_went_since_the_last_look_is_found_gone_when_it_matters() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head("{}:{}".format(*server.getsockname()))
        assert head.look()
    assert head.look(), "looks are seconds apart"
    assert not head.answers()
    assert not head.is_lost


def test_without_an_address_nothing_is_watched() -> None:
    assert Head("").look()


@pytest.mark.slow
def test_the_command_ends_with_a_hint_and_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    found = start_machines(1, 1)
    edit = ["edit", "r.toml", "--seeds", "1-2000", "-o", "out", "-m", save_toy(tmp_path)]
    try:
        driver = subprocess.Popen(
            command([*edit, "--cluster", found.address]), cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        journal = tmp_path / "out/journal.ndjson"
        assert wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 20)
        killed = time.monotonic()
        os.kill(found.head_node.all_processes["gcs_server"][0].process.pid, signal.SIGKILL)
        _, said = driver.communicate(timeout=100)
        took = time.monotonic() - killed
    finally:
        found.shutdown()
    assert took < 55, "Ray's own end of the process comes after a minute"
    assert driver.returncode == 3, said
    assert "error: the head of the cluster at" in said
    assert "--resume" in said
    assert "rpc_client" not in said
