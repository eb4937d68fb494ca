"""How threads wait: politely where others are busy when a command starts, unless the user has chosen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from i2s_trt import threads
from i2s_trt.threads import SPIN_COUNT, cores_are_short, wait_politely, waiting

_BARE = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
_BARE.pop("OMP_NUM_THREADS", None)
_BUSY = "import time\nend = time.monotonic() + 60\nprint(flush=True)\nwhile time.monotonic() < end: pass"
_COMMAND = (
    "import sys; sys.argv = ['i2s-trt', '--version']\n"
    "from i2s_trt.entry import main\n"
    "from i2s_trt import threads\n"
    "assert 'torch' not in sys.modules\n"
    "import atexit\n"
    "atexit.register(lambda: print(threads.waiting()))\n"
    "main()\n"
)


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Processes that keep a core busy each."""
    processes = [subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def load(folder: Path, words: str) -> Path:
    path = folder / "loadavg"
    path.write_text(words)
    return path


@pytest.mark.parametrize(("running", "short"), [(1, False), (2, True), (9, True)])
def test_cores_are_short_where_others_run(tmp_path: Path, running: int, short: bool) -> None:
    assert cores_are_short({}, load(tmp_path, f"0.20 0.18 0.12 {running}/80 11206")) is short


def test_fewer_threads_leave_room_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    path = load(tmp_path, "0 0 0 3/80 11206")
    assert not cores_are_short({"OMP_NUM_THREADS": "2"}, path)
    assert cores_are_short({"OMP_NUM_THREADS": "3"}, path)
    assert cores_are_short({"OMP_NUM_THREADS": "many"}, path)


@pytest.mark.parametrize("words", ["", "0 0 0", "0 0 0 x/y 1"])
def test_a_system_that_does_not_tell_changes_nothing(tmp_path: Path, words: str) -> None:
    assert not cores_are_short({}, load(tmp_path, words))
    assert not cores_are_short({}, tmp_path / "none")


@pytest.mark.parametrize("chosen", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_what_the_user_has_chosen_stays(chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores_are_short", lambda _environment: True)
    environment = dict(chosen)
    wait_politely(environment)
    assert environment == chosen
    assert waiting(environment) == "=".join(next(iter(chosen.items())))


@pytest.mark.parametrize(("short", "set_to"), [(True, {"GOMP_SPINCOUNT": SPIN_COUNT}), (False, {})])
def test_threads_sleep_soon_only_where_cores_are_short(
    short: bool, set_to: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores_are_short", lambda _environment: short)
    environment: dict[str, str] = {}
    wait_politely(environment)
    assert environment == set_to


@pytest.mark.skipif(not Path("/proc/loadavg").exists(), reason="this system does not tell how many threads run")
def test_the_command_beside_busy_processes_waits_politely_before_torch_is_loaded() -> None:
    with busy_neighbours(os.cpu_count() or 1):
        done = subprocess.run([sys.executable, "-c", _COMMAND], env=_BARE, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == f"GOMP_SPINCOUNT={SPIN_COUNT}"


def test_the_library_alone_sets_nothing() -> None:
    code = "import i2s_trt, os; print(os.environ.get('GOMP_SPINCOUNT', 'as it was'))"
    done = subprocess.run([sys.executable, "-c", code], env=_BARE, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "as it was"
