"""What a client is to be told: one slot for each kind of message, so that a slow client's queue never grows."""

import asyncio
from collections.abc import Mapping
from typing import Any

MOST = 256  # slots


class Outbox:
    """Messages that wait for a client; a newer one takes the place of an older one of its slot. Of one event loop."""

    def __init__(self) -> None:
        self._slots: dict[str, bytes | Mapping[str, Any]] = {}
        self._filled = asyncio.Event()

    def put(self, slot: str, message: bytes | Mapping[str, Any]) -> None:
        """Leave a message: bytes are sent as they are, the rest as JSON. Of too many the oldest is dropped."""
        if slot not in self._slots and len(self._slots) >= MOST:
            self._slots.pop(next(iter(self._slots)))
        self._slots[slot] = message
        self._filled.set()

    async def take(self) -> bytes | Mapping[str, Any]:
        """The message that has waited longest; waits for one."""
        while not self._slots:
            self._filled.clear()
            await self._filled.wait()
        return self._slots.pop(next(iter(self._slots)))
