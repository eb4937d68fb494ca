"""What Ray's dashboard, and Prometheus behind it, see of a run: the driver's numbers, in its machine's exporter."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

_BETWEEN = 1.0  # seconds: a number costs more than a task does to hand out
DONE, RETRIED, LOST, RATE = "i2s_trt_done", "i2s_trt_retried", "i2s_trt_workers_lost", "i2s_trt_per_second"
_COUNTED = {
    DONE: "pictures that are done or given up, by machine",
    RETRIED: "pictures that were tried again on another worker",
    LOST: "workers that ended before their time",
}


class Metrics:
    """Counts; made once Ray is joined."""

    def __init__(self) -> None:
        from ray.util import metrics

        self._exported: Mapping[str, Any] = {
            name: metrics.Counter(name, about, ("node",)) for name, about in _COUNTED.items()
        }
        self._rate = metrics.Gauge(RATE, "pictures a second, lately, by machine", ("node",))
        self._new: Counter[tuple[str, str]] = Counter()
        self._since, self._nodes = time.monotonic(), set[str]()

    def count(self, name: str, node: str) -> None:
        """Count one of something that happened on a machine."""
        self._new[name, node or "some machine"] += 1
        self._nodes |= {node} if name == DONE else set()

    def tell(self, *, now: bool = False) -> None:
        """Hand on what was counted, if it is time or the end."""
        seconds = time.monotonic() - self._since
        if seconds < _BETWEEN and not now:
            return
        for (name, node), count in self._new.items():
            self._exported[name].inc(count, {"node": node})
        for node in self._nodes:
            self._rate.set(0.0 if now else self._new[DONE, node] / seconds, {"node": node})
        self._new.clear()
        self._since = time.monotonic()
