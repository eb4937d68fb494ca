"""How the threads of PyTorch's OpenMP library wait for one another.

Left to itself GNU's library lets them spin at every barrier, for milliseconds. Alone on a machine that is the fastest.
Beside another busy process each spins on the core that the other one, or its own partner, needs, and two runs at once
take up to fifteen times as long as one. Letting threads sleep soon avoids that, and costs a lone run a third of its
speed (docs/embedding.md has the figures): so it is done where others are busy when a command starts.
"""

import os
import time
from collections.abc import MutableMapping
from pathlib import Path

SPIN_COUNT = "1000"  # looks before a thread sleeps; the library's own choice is 300,000
_SPINNING = "GOMP_SPINCOUNT"
_SET_BY_USER = (_SPINNING, "OMP_WAIT_POLICY")
_RUNNING = Path("/proc/loadavg")  # its fourth word: threads that run or could run, those of this process included
_LOOKS, _SECONDS_BETWEEN = 3, 0.008


def wait_politely(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have waiting threads give up their core soon if others are busy, unless the user has chosen how they wait.

    The library reads this when it is loaded: call it before torch is imported. Child processes inherit it.
    """
    if not any(name in environment for name in _SET_BY_USER) and cores_are_short(environment):
        environment[_SPINNING] = SPIN_COUNT


def cores_are_short(environment: MutableMapping[str, str] = os.environ, running: Path = _RUNNING) -> bool:
    """Whether more threads would run than there are cores, by a glance; False where the system does not say."""
    cores = os.cpu_count() or 1
    ours = environment.get("OMP_NUM_THREADS", "")
    threads = min(cores, int(ours)) if ours.isdecimal() else cores
    try:
        return all(_others(running, look) + threads > cores for look in range(_LOOKS))
    except (OSError, ValueError, IndexError):
        return False


def _others(running: Path, look: int) -> int:
    """Threads of others that run just now."""
    time.sleep(_SECONDS_BETWEEN if look else 0)
    return int(running.read_text().split()[3].partition("/")[0]) - 1


def waiting(environment: MutableMapping[str, str] = os.environ) -> str:
    """What the environment says about waiting, such as `GOMP_SPINCOUNT=1000`; empty where the library chooses."""
    return ", ".join(f"{name}={environment[name]}" for name in _SET_BY_USER if name in environment)
