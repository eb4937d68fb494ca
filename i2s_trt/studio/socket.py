"""The WebSocket: edits come in, pictures and news go out."""

import asyncio
import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from i2s_trt.studio.outbox import Outbox
from i2s_trt.studio.previews import PreviewStream
from i2s_trt.studio.protocol import PreviewRequest
from i2s_trt.studio.studio import Studio

MOST_CLIENTS = 256
_TRY_LATER = 1013


def socket_route(app: FastAPI, studio: Studio) -> None:
    """Add `/ws`."""

    @app.websocket("/ws")
    async def talk(socket: WebSocket) -> None:
        if studio.clients >= MOST_CLIENTS:
            await socket.close(_TRY_LATER)
            return
        await socket.accept()
        outbox = Outbox()
        stream = PreviewStream(studio.previews, outbox)
        studio.join(outbox)
        tasks = [
            asyncio.create_task(job) for job in (_listen(socket, stream, outbox), stream.run(), _send(socket, outbox))
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            studio.leave(outbox)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: WebSocket, stream: PreviewStream, outbox: Outbox) -> None:
    """Take requests until the client has gone."""
    while True:
        try:
            message = await socket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text") or ""
        try:
            stream.ask(PreviewRequest.model_validate_json(text))
        except ValidationError as error:
            first = error.errors()[0]
            said = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
            outbox.put("request error", {"type": "error", "id": _number(text), "error": said[:300], "hint": ""})


async def _send(socket: WebSocket, outbox: Outbox) -> None:
    """Send what there is to tell until the client has gone."""
    while True:
        message = await outbox.take()
        try:
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_text(json.dumps(message))
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


def _number(text: str) -> int | None:
    """The number of a request that cannot be read otherwise."""
    try:
        found = json.loads(text)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, int) and 0 <= found < 2**32 else None
