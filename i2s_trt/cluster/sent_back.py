"""Snapshots that a worker sends back while it works, where the driver does not see its folder."""

import time
from contextlib import suppress
from pathlib import Path

_RATE = 500_000.0  # bytes a second and worker: those of noise maps are large, and the network is results' too


class SentBack:
    """The snapshots in a folder that have changed.

    Args:
        folder: of the worker.
        gives_back: whether results go to the driver as bytes; else it sees the folder, and nothing is sent.
    """

    def __init__(self, folder: Path, *, gives_back: bool) -> None:
        self._folder, self._gives_back = folder, gives_back
        self._sent: dict[str, int] = {}
        self._not_before = 0.0

    def news(self) -> dict[str, bytes]:
        """By the name of what they are of, those written since the last call; none while that one's are paid for."""
        if not self._gives_back or time.monotonic() < self._not_before:
            return {}
        found, there = dict[str, bytes](), dict[str, int]()
        for path in self._folder.glob(".*.snapshot"):
            name = path.name.removeprefix(".").removesuffix(".snapshot")
            with suppress(OSError):  # its embedding has just finished
                there[name] = path.stat().st_mtime_ns
                if there[name] != self._sent.get(name):
                    found[name] = path.read_bytes()
        self._sent = there
        self._not_before = time.monotonic() + sum(map(len, found.values())) / _RATE
        return found
