"""What is recorded about the machine and its load."""

import os
import re
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.speed.environment import describe_environment, program_version
from benchmarks.speed.load import OtherLoad, load_before
from i2s_trt import __version__

_BUSY = "import time\nend = time.monotonic() + 60\nprint(flush=True)\nwhile time.monotonic() < end: pass"


def test_the_environment_is_this_machine() -> None:
    environment = describe_environment("cpu")
    assert environment.packages["torch"] == torch.__version__
    assert environment.threads == torch.get_num_threads()
    assert environment.cores >= 1
    assert environment.device == "cpu"
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    assert set(environment.instructions) <= set(flags)
    assert ("avx2" in flags) == ("avx2" in environment.instructions)


def test_the_version_names_the_commit_of_a_checkout() -> None:
    version = program_version()
    assert version.startswith(__version__)
    if (Path(__file__).parents[3] / ".git").exists():
        assert re.fullmatch(rf"{re.escape(__version__)} \S+", version)


def test_the_load_of_others_is_seen_and_ones_own_is_not() -> None:
    neighbours = [
        subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE) for _ in range(os.cpu_count() or 1)
    ]
    try:
        for neighbour in neighbours:
            assert neighbour.stdout is not None
            neighbour.stdout.readline()
        assert load_before(1.0) > 0.3
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.communicate()


def test_a_watch_counts_cores_of_this_machine() -> None:
    watch = OtherLoad()
    total = sum(range(2_000_000))
    assert total > 0
    assert 0 <= watch.cores() <= (os.cpu_count() or 1) + 0.5
