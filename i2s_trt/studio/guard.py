"""The guard before the application: hosts, origins, the token, how much is sent, and headers of every answer."""

import asyncio
import html
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from i2s_trt.studio.door import COOKIE, Door

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
LARGEST_UPLOAD, LARGEST_JSON = 64 * 2**20, 2**20  # bytes
_UPLOADS = ("/api/photographs", "/api/shelf/")
_OPEN = ("/healthz", "/readyz")
_LINGER = 20.0  # seconds in which what comes after too much is thrown away, so that the answer can be read
_POLICY_VIOLATION = 1008
_HERE = "open the address that i2s-trt studio printed; at the end of a tunnel, localhost with the tunnel's port"
_PRINTED = "open the address that i2s-trt studio printed, with its token; pages that are open then find it too"
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><title>i2s-trt studio</title><h1>{}</h1><p>{}</p></html>'
)


class Guard:
    """An ASGI application around another.

    Args:
        app: what is guarded.
        door: who may come in.
    """

    def __init__(self, app: App, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            if self._refusal(scope) is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = headers_of(scope).get("host", "")
        answer = _Answer(send, host if self._door.admits_host(host) else "")
        refusal = self._refusal(scope)
        if refusal is not None:
            await answer.refuse(*refusal, as_page="text/html" in headers_of(scope).get("accept", ""))
        elif self._door.asks_with_token(query_of(scope)) and scope["path"] == "/":
            cookie = f"{COOKIE}={self._door.token}; HttpOnly; SameSite=Strict; Path=/"
            await answer.whole(303, b"", [(b"location", b"/"), (b"set-cookie", cookie.encode())])
        else:
            await _Measured(self._app, answer, limit_of(scope["path"])).run(scope, receive)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers, query = headers_of(scope), query_of(scope)
        host = headers.get("host", "")
        if not self._door.admits_host(host):
            return 421, "this address is not the studio's", _HERE
        if not self._door.admits_origin(headers.get("origin"), host):
            return 403, "the request comes from another page", "use the studio's own page"
        if scope["path"] not in _OPEN and not self._door.knows(headers, query):
            return 401, "this page does not have the studio's token", _PRINTED
        return None


class _Answer:
    """What goes to the client, with the headers of every answer.

    Args:
        send: ASGI's.
        host: that was asked; empty for one that is not ours.
    """

    def __init__(self, send: Send, host: str) -> None:
        self._send, self._host = send, host
        self.started = False

    async def __call__(self, event: Event) -> None:
        """Pass on what an application sends."""
        if event["type"] == "http.response.start":
            self.started = True
            own = {name.lower() for name, _ in event.get("headers", [])}
            extra = [(name, value) for name, value in security_headers(self._host) if name not in own]
            event = {**event, "headers": [*event.get("headers", []), *extra]}
        await self._send(event)

    async def whole(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """A whole answer."""
        length = (b"content-length", str(len(body)).encode())
        await self({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await self({"type": "http.response.body", "body": body})

    async def fault(self, status: int, error: str, hint: str) -> None:
        """An error as a value."""
        body = json.dumps({"error": error, "hint": hint}).encode()
        await self.whole(status, body, [(b"content-type", b"application/json")])

    async def refuse(self, status: int, error: str, hint: str, *, as_page: bool) -> None:
        """The same, or a page for who has typed an address."""
        if not as_page:
            await self.fault(status, error, hint)
            return
        text = _PAGE.format(*(f"{html.escape(said[:1].upper() + said[1:])}." for said in (error, hint)))
        await self.whole(status, text.encode(), [(b"content-type", b"text/html; charset=utf-8")])


class _Measured:
    """One request, whose body is counted as it comes: what is too long never reaches the application.

    Args:
        app: what answers.
        answer: to the client.
        limit: bytes.
    """

    def __init__(self, app: App, answer: _Answer, limit: int) -> None:
        self._app, self._answer, self._limit = app, answer, limit
        self._received, self._over, self._ended, self._gone = 0, False, False, False

    async def run(self, scope: Scope, receive: Receive) -> None:
        """Let the application answer, or refuse with 413."""

        async def counted() -> Event:
            if self._over:
                return {"type": "http.disconnect"}
            event = await receive()
            self._gone = event["type"] == "http.disconnect"
            self._received += len(event.get("body", b""))
            self._ended = not event.get("more_body", False)
            self._over = self._received > self._limit
            return {"type": "http.disconnect"} if self._over else event

        async def send(event: Event) -> None:
            if not self._over:
                await self._answer(event)

        declared = headers_of(scope).get("content-length", "0")
        self._over = declared.isdecimal() and len(declared) < 20 and int(declared) > self._limit
        try:
            if not self._over:
                await self._app(scope, counted, send)
        except Exception:  # a defect, unless the body was too long or the client has left
            if not (self._over or self._gone):
                logging.getLogger(__name__).exception("%s %s", scope["method"], scope["path"])
            if not (self._over or self._gone or self._answer.started):
                await self._answer.fault(503, "this could not be done", "this is a defect; the log says more")
        if self._over and not self._answer.started:
            await self._discard(receive)
            most = f"{self._limit / 2**20:g} MiB at most can be sent"
            await self._answer.fault(413, most, "send a smaller file")

    async def _discard(self, receive: Receive) -> None:
        """Read on and forget, so that a client that is still sending hears the answer instead of a broken pipe."""
        try:
            async with asyncio.timeout(_LINGER):
                while not self._ended:
                    event = await receive()
                    self._ended = event["type"] == "http.disconnect" or not event.get("more_body", False)
        except TimeoutError:
            return


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers by their names in lower case; of a repeated `Host` or `Origin` all, joined, which then fit nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def query_of(scope: Scope) -> str:
    """What stands behind the question mark."""
    return bytes(scope.get("query_string", b"")).decode("latin-1")


def limit_of(path: str) -> int:
    """How many bytes a request to a path may have."""
    return LARGEST_UPLOAD if path.startswith(_UPLOADS) else LARGEST_JSON


def security_headers(host: str) -> list[tuple[bytes, bytes]]:
    """Headers of every answer: nothing from elsewhere is loaded, run or connected to, no page frames it."""
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        "default-src 'self'; img-src 'self' blob: data:; "
        f"connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    texts = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "cache-control": "no-cache",
    }
    return [(name.encode(), value.encode("latin-1", "ignore")) for name, value in texts.items()]
