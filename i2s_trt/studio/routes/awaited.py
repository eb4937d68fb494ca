"""Work for a client that may leave before it is done."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from i2s_trt.process import Stopped

_POLL = 0.2  # seconds
Made = TypeVar("Made")


async def while_awaited(request: Request, work: Callable[[Callable[[], bool]], Made]) -> Made | None:
    """What work in another thread makes; None if it stopped because the client had gone.

    Args:
        request: the client's, whose body was read.
        work: is given a function that says whether the client has gone, and may raise Stopped then.
    """
    gone = threading.Event()
    watching = asyncio.create_task(_watch(request, gone))
    try:
        return await run_in_threadpool(work, gone.is_set)
    except Stopped:
        return None
    finally:
        watching.cancel()


async def _watch(request: Request, gone: threading.Event) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(_POLL)
    gone.set()
