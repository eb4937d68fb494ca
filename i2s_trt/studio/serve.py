"""Serves the studio with uvicorn until it is told to stop."""

import os
import socket
from collections.abc import Callable

import uvicorn

from i2s_trt.errors import EnvironmentFault
from i2s_trt.studio.app import make_app
from i2s_trt.studio.door import Door
from i2s_trt.studio.studio import Studio

_MESSAGE = 256 * 1024  # bytes of a WebSocket's message
_BACKLOG, _CLOSING = 128, 3


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.

    Raises:
        EnvironmentFault: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio sends small answers at once (TCP_NODELAY) only where a socket says that it is TCP
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise EnvironmentFault(f"{host}:{port} cannot be listened on: {why}", "choose another --port") from error
    return listener


def address(door: Door) -> str:
    """What to open in a browser, with the token where one is needed."""
    host = f"[{door.host}]" if ":" in door.host else door.host
    shown = {"0.0.0.0": socket.gethostname(), "[::]": socket.gethostname()}.get(host, host)  # noqa: S104, only compared
    return f"http://{shown}:{door.port}/" + (f"?token={door.token}" if door.token else "")


def make_server(studio: Studio, door: Door, started: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A server whose `run(sockets=[listener])` serves until SIGINT or SIGTERM, or until `should_exit` is set.

    What is on the shelf stays then; an embedding that runs or waits is listed as stopped when it is served again.

    Args:
        studio: what is shown; closed at the end.
        door: who may come in.
        started: called when it can be reached.
    """
    config = uvicorn.Config(
        make_app(studio, door), log_level="warning", access_log=False, server_header=False, lifespan="on",
        ws_max_size=_MESSAGE, ws_ping_interval=20, ws_ping_timeout=60, timeout_graceful_shutdown=_CLOSING,
        limit_concurrency=1024, timeout_keep_alive=15,
    )  # fmt: skip
    return _Server(config, started)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._say()
