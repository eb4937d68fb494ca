"""How threads wait: set before PyTorch is loaded, unless the user has chosen."""

import os
import subprocess
import sys

import pytest

from i2s_trt.threads import SPIN_COUNT, let_threads_sleep, waiting

_BARE = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
_LOADED = (
    "import sys; sys.argv = ['i2s-trt', '--version']\n"
    "from i2s_trt.entry import main\n"
    "from i2s_trt import threads\n"
    "assert 'torch' not in sys.modules\n"
    "import atexit\n"
    "atexit.register(lambda: print(threads.waiting()))\n"
    "main()\n"
)


def test_threads_sleep_soon_unless_the_user_has_chosen() -> None:
    environment: dict[str, str] = {}
    let_threads_sleep(environment)
    assert environment == {"GOMP_SPINCOUNT": SPIN_COUNT}
    assert waiting(environment) == f"GOMP_SPINCOUNT={SPIN_COUNT}"


@pytest.mark.parametrize("chosen", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_what_the_user_has_chosen_stays(chosen: dict[str, str]) -> None:
    environment = dict(chosen)
    let_threads_sleep(environment)
    assert environment == chosen
    assert waiting(environment) == "=".join(next(iter(chosen.items())))


def test_nothing_said_is_nothing_shown() -> None:
    assert waiting({}) == ""


def test_the_command_sets_it_before_torch_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], env=_BARE, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == f"GOMP_SPINCOUNT={SPIN_COUNT}"


def test_the_library_alone_sets_nothing() -> None:
    code = "import i2s_trt, os; print(os.environ.get('GOMP_SPINCOUNT', 'as it was'))"
    done = subprocess.run([sys.executable, "-c", code], env=_BARE, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "as it was"
