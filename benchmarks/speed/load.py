"""How busy other processes keep the CPU: measurements beside them are worth little, and say so."""

import time
from typing import Any

NOISY = 0.15  # cores; from here on figures carry a warning


class OtherLoad:
    """Watches the CPU from its making on."""

    def __init__(self) -> None:
        self._begun = _snapshot()

    def cores(self) -> float:
        """Cores that others have kept busy since, on average; 0 where the system does not tell."""
        begun, now = self._begun, _snapshot()
        seconds = now[0] - begun[0]
        if seconds <= 0:
            return 0.0
        others = (now[1] - begun[1]) - (now[2] - begun[2])
        return round(max(0.0, others / seconds), 3)


def load_before(seconds: float = 1.0) -> float:
    """Cores that others keep busy, watched for a moment while this process does nothing."""
    watch = OtherLoad()
    time.sleep(seconds)
    return watch.cores()


def _snapshot() -> tuple[float, float, float]:
    """The time, the CPU seconds of the whole machine and those of this process with its finished children.

    Nothing passes where psutil is not installed.
    """
    try:
        import psutil
    except ImportError:  # a measurement goes on without
        return 0.0, 0.0, 0.0
    system, own = psutil.cpu_times(), psutil.Process().cpu_times()
    idle = system.idle + getattr(system, "iowait", 0.0)
    guests = getattr(system, "guest", 0.0) + getattr(system, "guest_nice", 0.0)  # counted in user and nice already
    busy = sum(system) - idle - guests
    return time.monotonic(), busy, _measure_spent(own)


def _measure_spent(times: Any) -> float:
    children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + children)
