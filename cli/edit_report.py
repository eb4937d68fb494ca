"""What `i2s-trt edit` shows while it runs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.console import Console, ProgressBar

if TYPE_CHECKING:
    from i2s_trt.batch.options import BatchProgress

_SECONDS = 1.0  # between events
_MOST_NODES = 4  # on the bar


class EditReporter:
    """Draws the progress; machines hear of it once a second.

    Args:
        console, bar: to draw on.
        rates: pictures a second of each machine of a cluster, if there is one.
    """

    def __init__(
        self, console: Console, bar: ProgressBar, rates: Callable[[], Mapping[str, float]] = dict[str, float]
    ) -> None:
        self._console, self._bar, self._rates, self._reported = console, bar, rates, 0.0

    def __call__(self, progress: "BatchProgress") -> None:
        """Show how far it is."""
        nodes = self._rates()
        self._bar.show("pictures", progress.done, progress.total, f"{progress.rate:.1f} images/s{in_words(nodes)}")
        if time.monotonic() - self._reported >= _SECONDS:
            self._reported = time.monotonic()
            by_node = {"nodes": dict(nodes)} if nodes else {}
            self._console.event("progress", **asdict(progress), **by_node)


def in_words(nodes: Mapping[str, float]) -> str:
    """` (10.0.0.1 12.3, 10.0.0.2 11.8)`: the rate of each machine; of many the fastest and the slowest."""
    if len(nodes) < 2:
        return ""
    if len(nodes) <= _MOST_NODES:
        return f" ({', '.join(f'{node} {rate:.1f}' for node, rate in nodes.items())})"
    slowest, fastest = min(nodes, key=nodes.__getitem__), max(nodes, key=nodes.__getitem__)
    return f" ({len(nodes)} machines: {slowest} {nodes[slowest]:.1f} to {fastest} {nodes[fastest]:.1f})"
