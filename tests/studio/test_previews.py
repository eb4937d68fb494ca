"""Previews: the latest edit of each client, as a picture; news for everyone; nothing that grows."""

import asyncio
import json
import struct
from typing import Any

import pytest
from websockets import Origin
from websockets.sync.client import ClientConnection, connect

from i2s_trt.errors import UsageError
from i2s_trt.images.encode import encoder
from i2s_trt.studio.outbox import MOST, Outbox
from i2s_trt.studio.previews import PreviewStream
from i2s_trt.studio.protocol import Edit, PreviewRequest
from tests.studio.conftest import Served

EDIT = {"base": {"kind": "latent", "name": "ann"}}


def _connect(served: Served) -> ClientConnection:
    return connect(f"ws://{served.host}/ws", origin=Origin(f"http://{served.host}"), proxy=None)


def _ask(socket: ClientConnection, number: int, edit: object) -> None:
    socket.send(json.dumps({"type": "preview", "id": number, "edit": edit}))


def test_a_preview_is_the_edits_picture(served: Served) -> None:
    with _connect(served) as socket:
        _ask(socket, 2**32 - 1, EDIT)
        message = socket.recv(timeout=30)
        assert isinstance(message, bytes)
    assert struct.unpack(">BI", message[:5]) == (1, 2**32 - 1)
    expected = served.studio.model.picture(served.studio.editor.tuned(Edit.model_validate(EDIT)))
    assert message[5:] == encoder("jpeg", 88)(expected)


def test_of_many_the_last_is_shown(served: Served) -> None:
    with _connect(served) as socket:
        for number in range(200):
            _ask(socket, number, {"base": {"kind": "random", "seed": number}})
        shown: list[int] = []
        while not shown or shown[-1] != 199:
            message = socket.recv(timeout=30)
            assert isinstance(message, bytes)
            shown.append(struct.unpack(">BI", message[:5])[1])
    assert shown == sorted(shown)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("{", None), ("[]", None), ("[" * 10_000, None), (json.dumps({"type": "preview", "id": 4}), 4),
        (json.dumps({"type": "preview", "id": -1, "edit": EDIT}), None),
        (json.dumps({"type": "preview", "id": 5, "edit": {"base": {"kind": "latent", "name": "../x"}}}), 5),
        (json.dumps({"type": "preview", "id": 6, "edit": {"base": {"kind": "latent", "name": "nobody"}}}), 6),
        ('{"type": "preview", "id": 7, "edit": {"base": {"kind": "latent", "name": "ann"}, "truncation": NaN}}', 7),
    ],
)  # fmt: skip
def test_errors_are_values_and_the_socket_stays_open(served: Served, sent: str, number: int | None) -> None:
    with _connect(served) as socket:
        socket.send(sent)
        fault = json.loads(socket.recv(timeout=30))
        assert fault["type"] == "error"
        assert fault["id"] == number
        assert fault["error"]
        _ask(socket, 8, EDIT)
        assert isinstance(socket.recv(timeout=30), bytes)


def test_everyone_hears_of_the_shelf(served: Served) -> None:
    with _connect(served) as first, _connect(served) as second:
        served.json("POST", "/api/save", json={"edit": EDIT, "name": "news"})
        for socket in (first, second):
            assert json.loads(socket.recv(timeout=30)) == {"type": "shelf"}
        served.json("DELETE", "/api/shelf/news")


class _Slow:
    """Renders when it is let."""

    def __init__(self) -> None:
        self.rendered: list[int] = []
        self.go = asyncio.Semaphore(0)

    async def render(self, edit: Edit) -> bytes:
        await self.go.acquire()
        self.rendered.append(edit.base.seed)  # type: ignore[union-attr]
        if edit.base.seed == 0:  # type: ignore[union-attr]
            raise UsageError("zero", "one")
        return b""


def test_one_is_rendered_and_one_waits() -> None:
    async def play() -> list[int]:
        renderer, outbox = _Slow(), Outbox()
        stream = PreviewStream(renderer, outbox)  # type: ignore[arg-type]
        running = asyncio.create_task(stream.run())
        for seed in range(6):
            edit = {"base": {"kind": "random", "seed": seed}}
            stream.ask(PreviewRequest.model_validate({"type": "preview", "id": seed, "edit": edit}))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        renderer.go.release()
        fault: Any = await outbox.take()
        assert fault == {"type": "error", "id": 0, "error": "zero", "hint": "one"}
        renderer.go.release()
        await outbox.take()
        running.cancel()
        return renderer.rendered

    assert asyncio.run(play()) == [0, 5]


def test_an_outbox_keeps_the_latest_of_each_kind_and_never_grows() -> None:
    async def play() -> list[object]:
        outbox = Outbox()
        for number in range(1000):
            outbox.put("preview", bytes([number % 256]))
            outbox.put(f"embedding {number}", {"number": number})
        return [await outbox.take() for _ in range(MOST)]

    taken = asyncio.run(play())
    assert taken[-1] in (b"\xe7", {"number": 999})
    assert len(taken) == MOST
