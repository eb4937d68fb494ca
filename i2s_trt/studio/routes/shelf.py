"""Routes of the model, the shelf and the photographs."""

from pathlib import Path
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from i2s_trt.errors import LatentError, UsageError
from i2s_trt.files import guard_os_errors
from i2s_trt.latents import Latent, read_latent
from i2s_trt.studio.protocol import ModelAnswer, PhotographAnswer, Rename, ShelfAnswer, Shelved
from i2s_trt.studio.shelf import NotOnShelf, checked_name
from i2s_trt.studio.studio import Studio

_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}


def shelf_routes(app: FastAPI, studio: Studio) -> None:
    """Add them."""

    @app.get("/api/model")
    def model() -> ModelAnswer:
        return studio.describe()

    @app.get("/api/shelf")
    def shelf() -> ShelfAnswer:
        return ShelfAnswer(latents=studio.shelf.list())

    @app.get("/api/shelf/{name}/picture", response_class=FileResponse)
    def picture(name: str, v: str = "") -> Response:
        return FileResponse(studio.shelf.picture(name), media_type="image/png", headers=_FOREVER if v else None)

    @app.get("/api/shelf/{name}/target", response_class=FileResponse)
    def target(name: str, v: str = "") -> Response:
        path = studio.shelf.target(name)
        if path is None:
            raise NotOnShelf(f"{name} was not made from a photograph", "take an embedded latent")
        return FileResponse(path, media_type="image/png", headers=_FOREVER if v else None)

    @app.get("/api/shelf/{name}/file", response_class=FileResponse)
    def file(name: str) -> Response:
        studio.shelf.latent(name)
        return FileResponse(
            studio.shelf.path(name), media_type="application/octet-stream", filename=f"{name}.safetensors"
        )

    @app.put("/api/shelf/{name}", openapi_extra=_BODY)
    async def put(name: str, request: Request) -> Shelved:
        checked_name(name)
        received = await _receive(request, studio.photographs.receiving())
        shelved = await run_in_threadpool(_lay, studio, name, received)
        studio.tell_shelf()
        return shelved

    @app.delete("/api/shelf/{name}")
    def delete(name: str) -> ShelfAnswer:
        studio.shelf.delete(name)
        studio.tell_shelf()
        return ShelfAnswer(latents=studio.shelf.list())

    @app.post("/api/shelf/{name}/rename")
    def rename(name: str, new: Rename) -> Shelved:
        studio.shelf.rename(name, new.to)
        studio.tell_shelf()
        return studio.shelf.describe(new.to)

    @app.post("/api/photographs", openapi_extra=_BODY)
    async def photograph(request: Request) -> PhotographAnswer:
        name = unquote(request.headers.get("x-name", "photograph"))[:200]
        received = await _receive(request, studio.photographs.receiving())
        return await run_in_threadpool(studio.photographs.take, received, name)

    @app.get("/api/photographs/{identifier}/picture", response_class=Response)
    def photograph_picture(identifier: str) -> Response:
        return Response(studio.photographs.picture(identifier), media_type="image/jpeg", headers=_FOREVER)


async def _receive(request: Request, path: Path) -> Path:
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


def _lay(studio: Studio, name: str, received: Path) -> Shelved:
    """A latent file that was received goes on the shelf. Raises LatentError for what is none."""
    file = received.with_suffix(".safetensors")
    try:
        received.replace(file)
        latent: Latent = read_latent(file)
    except LatentError as error:
        raise LatentError(str(error.args[0]).replace(str(file), "the file"), error.hint) from error
    finally:
        file.unlink(missing_ok=True)
    studio.shelf.put(name, latent)
    return studio.shelf.describe(name)
