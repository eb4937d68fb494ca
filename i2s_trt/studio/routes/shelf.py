"""Routes of the model and the shelf."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent, read_latent
from i2s_trt.studio.protocol import ModelAnswer, Rename, ShelfAnswer, Shelved
from i2s_trt.studio.routes.received import BODY, FOREVER, receive
from i2s_trt.studio.shelf import NotOnShelf, checked_name
from i2s_trt.studio.studio import Studio


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
        return FileResponse(studio.shelf.picture(name), media_type="image/png", headers=FOREVER if v else None)

    @app.get("/api/shelf/{name}/target", response_class=FileResponse)
    def target(name: str, v: str = "") -> Response:
        path = studio.shelf.target(name)
        if path is None:
            raise NotOnShelf(f"{name} was not made from a photograph", "take an embedded latent")
        return FileResponse(path, media_type="image/png", headers=FOREVER if v else None)

    @app.get("/api/shelf/{name}/file", response_class=FileResponse)
    def file(name: str) -> Response:
        studio.shelf.latent(name)
        return FileResponse(
            studio.shelf.path(name), media_type="application/octet-stream", filename=f"{name}.safetensors"
        )

    @app.put("/api/shelf/{name}", openapi_extra=BODY)
    async def put(name: str, request: Request) -> Shelved:
        checked_name(name)
        received = await receive(request, studio.photographs.receiving())
        shelved = await run_in_threadpool(_lay, studio, name, received)
        studio.tell_shelf()
        return shelved

    @app.delete("/api/shelf/{name}")
    def delete(name: str) -> ShelfAnswer:
        studio.delete_latent(name)
        return ShelfAnswer(latents=studio.shelf.list())

    @app.post("/api/shelf/{name}/rename")
    def rename(name: str, new: Rename) -> Shelved:
        studio.shelf.rename(name, new.to)
        studio.tell_shelf()
        return studio.shelf.describe(new.to)


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
