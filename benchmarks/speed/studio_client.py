"""Clients of the studio that move a slider, and how long they wait for its picture."""

import asyncio
import json
import struct
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Drag:
    """What the clients do.

    Attributes:
        clients: how many.
        pause: seconds between two positions of a slider at least; 0 moves on as soon as a picture is there.
        seconds: for how long.
    """

    clients: int
    pause: float
    seconds: float


async def drag(address: str, options: Drag) -> list[float]:
    """Milliseconds from sending each position to having its picture, of all clients.

    Args:
        address: host and port of the studio.
        options: how many, how fast, how long.
    """
    found = await asyncio.gather(*(_client(address, number, options) for number in range(options.clients)))
    return [ms for own in found for ms in own]


async def _client(address: str, number: int, options: Drag) -> list[float]:
    from websockets.asyncio.client import connect

    waits: list[float] = []
    async with connect(f"ws://{address}/ws", proxy=None, compression=None) as socket:
        await asyncio.sleep(options.pause * number / options.clients)  # hands do not move in step
        end = time.perf_counter() + options.seconds
        while (begun := time.perf_counter()) < end:
            position = len(waits)
            request = {"type": "preview", "id": position, "edit": _edit(number, position)}
            await socket.send(json.dumps(request))
            while not _is_picture(await socket.recv(), position):
                pass
            waits.append((time.perf_counter() - begun) * 1e3)
            await asyncio.sleep(max(0.0, options.pause - (time.perf_counter() - begun)))
    return waits


def _is_picture(message: str | bytes, position: int) -> bool:
    """Whether a message is the preview of a position."""
    return isinstance(message, bytes) and struct.unpack(">BI", message[:5]) == (1, position)


def _edit(client: int, position: int) -> dict[str, Any]:
    """A mix in a style with an expression, another one at every position of every client."""
    weight = (position * 7 + client * 13) % 100 / 100
    parts = [{"name": "ann", "weight": 1.0}, {"name": "bob", "weight": weight}]
    pair = {"kind": "pair", "from": "ann", "to": "bob", "strength": weight - 0.5}
    return {"base": {"kind": "mix", "parts": parts}, "expressions": [pair], "truncation": 0.9}
