"""A cluster that demands a token is joined by its address with the token that is in its place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.models import save_toy
from tests.conftest import command

pytest.importorskip("ray._private.authentication.authentication_token_setup", reason="an older Ray knows no tokens")
RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = 0.5\n'
HEAD = """
import sys
from tests.cluster.conftest import start_machines
found = start_machines(1)
print(found.address, flush=True)
sys.stdin.read()
found.shutdown()
"""


@pytest.mark.slow
def test_the_token_is_taken_where_it_is_demanded(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef" * 4)
    (tmp_path / "r.toml").write_text(RECIPE)
    mine = {**os.environ, "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    mine.pop("RAY_AUTH_MODE", None)  # a cluster that was started by this process has set it
    head = subprocess.Popen(
        [sys.executable, "-c", HEAD], env={**mine, "RAY_AUTH_MODE": "token"}, cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert head.stdout
        address = head.stdout.readline().strip()
        edit = ["edit", "r.toml", "--seeds", "1-2", "-m", save_toy(tmp_path), "-o", "out", "--cluster", address]
        run = subprocess.run(
            command(edit), env=mine, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
        )
    finally:
        head.communicate("", timeout=60)
    assert run.returncode == 0, run.stderr
    assert "2 pictures rendered" in run.stdout
