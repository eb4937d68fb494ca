"""Processes of their own: results come back, and whatever happens there stays there."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.speed.memory import peak_memory, resident_peak
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.process import Child, Crash, OutOfTime, Stopped, in_child

LONG = 600.0


def count(to: int) -> Iterator[int]:
    yield from range(to)


def fail_after(items: int, how: str) -> Iterator[int]:
    yield from range(items)
    if how == "usage":
        raise UsageError("what", "the hint")
    if how == "defect":
        raise ValueError("a defect\nin two lines")
    if how == "memory":
        raise RuntimeError("CUDA error: out of memory")
    if how == "package":
        import no_such_package  # type: ignore[import-not-found]  # noqa: F401
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), getattr(signal, how))


def sleep_with_grandchild(note: str) -> Iterator[int]:
    grandchild = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"])
    Path(note).write_text(str(grandchild.pid))
    yield grandchild.pid
    time.sleep(LONG)


def allocate(mebibytes: int) -> Iterator[float]:
    b"x" * (mebibytes * 2**20)
    yield peak_memory("cpu")


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has collected yet counts as ended."""
    status = Path(f"/proc/{pid}/status")
    for _ in range(100):
        if not status.exists() or "zombie" in status.read_text():
            return True
        time.sleep(0.05)
    return False


def test_items_arrive_in_order() -> None:
    assert list(in_child(count, 5)) == [0, 1, 2, 3, 4]


def test_user_errors_come_through_with_their_hint() -> None:
    items = in_child(fail_after, 2, "usage")
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(UsageError, match="what") as caught:
        next(items)
    assert caught.value.hint == "the hint"


@pytest.mark.parametrize(
    ("how", "words"),
    [("defect", "ValueError: a defect in two lines"), ("exit", "exit code 7"), ("SIGKILL", "lack of memory"),
     ("SIGSEGV", "signal 11")],
)  # fmt: skip
def test_defects_and_deaths_are_told(how: str, words: str) -> None:
    items = in_child(fail_after, 1, how)
    assert next(items) == 0
    with pytest.raises(Crash, match=words) as caught:
        next(items)
    assert isinstance(caught.value, EnvironmentFault)
    assert caught.value.hint


def test_a_deadline_ends_the_child_and_its_children(tmp_path: Path) -> None:
    items = in_child(sleep_with_grandchild, str(tmp_path / "pid"), deadline=time.monotonic() + 120)
    grandchild = next(items)
    assert Path(f"/proc/{grandchild}").exists()
    items.close()
    assert is_gone(grandchild)
    with pytest.raises(OutOfTime):
        list(in_child(count, 3, deadline=time.monotonic() - 1))


def test_a_request_to_stop_ends_the_child(tmp_path: Path) -> None:
    items = in_child(sleep_with_grandchild, str(tmp_path / "pid"), should_stop=(tmp_path / "stop").exists)
    grandchild = next(items)
    (tmp_path / "stop").touch()
    with pytest.raises(Stopped):
        next(items)
    assert is_gone(grandchild)


_PARENT = """
import sys
from tests.test_process import sleep_with_grandchild
from i2s_trt.process import in_child
if __name__ == "__main__":
    for pid in in_child(sleep_with_grandchild, sys.argv[1]):
        print(pid, flush=True)
"""


def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "pid")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    grandchild = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert is_gone(grandchild)


def test_children_work_only_while_they_are_waited_for(tmp_path: Path) -> None:
    items = in_child(tally, str(tmp_path / "tally"))
    for expected in range(1, 4):
        next(items)
        time.sleep(0.1)
        assert (tmp_path / "tally").read_text() == "x" * expected
    items.close()


def tally(path: str) -> Iterator[None]:
    for number in range(10):
        Path(path).write_text("x" * (number + 1))
        yield


def test_peak_memory_is_of_the_work_and_not_of_this_process() -> None:
    ballast = b"x" * (200 * 2**20)
    small, large = (next(in_child(allocate, mebibytes)) for mebibytes in (1, 150))
    assert 140 < large - small < 200
    assert small < resident_peak()
    assert len(ballast) == 200 * 2**20


def what_compilers_see() -> Iterator[str]:
    folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    folder.mkdir()
    (folder / "half.so").write_bytes(b"")
    yield str(folder)


def test_what_is_compiled_lies_apart_and_is_gone_afterwards() -> None:
    first, second = (list(in_child(what_compilers_see)) for _ in range(2))
    assert first != second
    assert not any(Path(folder).exists() for folder in first + second)


def write_for_a_while() -> Iterator[str]:
    folder = tempfile.mkdtemp()
    Path(folder, "picture.png").write_bytes(b"")
    yield folder
    subprocess.run([sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"], check=True)
    yield folder
    time.sleep(LONG)


def test_a_killed_process_leaves_no_files_behind() -> None:
    child = Child(write_for_a_while)
    folder = Path(child.ask())
    assert (folder / "picture.png").exists()
    assert str(child.ask()) == str(folder)
    assert len(list(folder.parent.iterdir())) == 2, "its own children write there, too"
    with pytest.raises(OutOfTime):
        child.ask(time.monotonic() + 0.5)
    child.close()
    assert not folder.parent.exists()


def test_memory_that_runs_out_is_no_defect() -> None:
    with pytest.raises(EnvironmentFault, match="not enough memory: RuntimeError: CUDA error: out of memory") as caught:
        list(in_child(fail_after, 0, "memory"))
    assert "take fewer at once" in caught.value.hint
    assert not isinstance(caught.value, Crash)


def test_a_package_that_is_missing_is_no_defect() -> None:
    with pytest.raises(EnvironmentFault, match="the package no_such_package is missing") as caught:
        list(in_child(fail_after, 1, "package"))
    assert (type(caught.value), caught.value.hint) == (EnvironmentFault, "pip install no_such_package")
