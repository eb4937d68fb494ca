"""Workers' folders on their own machines: none stays behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from i2s_trt.cluster.scratch import own_scratch, remove_scratch, scratch_root

HOLDS = """
import sys
from i2s_trt.cluster.scratch import own_scratch
print(own_scratch("w1"), flush=True)
sys.stdin.read()
"""


def test_a_folder_goes_with_its_worker_or_when_the_next_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    other = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout
    theirs = Path(other.stdout.readline().strip())
    (theirs / "photo").write_bytes(b"x")
    mine = own_scratch("w2")
    assert sorted(path for path in scratch_root().iterdir() if path.is_dir()) == [theirs, mine], "its worker lives"
    other.kill()
    other.communicate()
    assert (theirs / "photo").exists()
    own_scratch("w3")
    assert not theirs.exists()
    remove_scratch()
    assert list(scratch_root().iterdir()) == []
