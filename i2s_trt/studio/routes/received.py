"""Files that clients send, written to the disk as they come."""

from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from i2s_trt.errors import UsageError
from i2s_trt.files import guard_os_errors

BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # for what an address never shows another of


async def receive(request: Request, path: Path) -> Path:
    """Write a body to a file as it comes; nothing of it stays in memory, or on the disk if it breaks off.

    Raises:
        UsageError: there is no body.
        EnvironmentFault: the disk is full.
    """
    count = 0
    try:
        with guard_os_errors(path), path.open("wb") as stream:
            async for chunk in request.stream():
                await run_in_threadpool(stream.write, chunk)
                count += len(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not count:
        path.unlink(missing_ok=True)
        raise UsageError("the request has no body", "send the file's bytes")
    return path
