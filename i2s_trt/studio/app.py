"""The web application: routes of the page, errors as values, and the guard around all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from i2s_trt import __version__
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.studio.door import Door
from i2s_trt.studio.guard import Guard
from i2s_trt.studio.photographs import NoPhotograph
from i2s_trt.studio.protocol import Fault
from i2s_trt.studio.routes import edit_routes, embedding_routes, photograph_routes, shelf_routes
from i2s_trt.studio.shelf import NameTaken, NotOnShelf
from i2s_trt.studio.socket import socket_route
from i2s_trt.studio.studio import Studio

PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
    ".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}  # fmt: skip
_STATUS = ((NotOnShelf, 404), (NoPhotograph, 404), (NameTaken, 409), (EnvironmentFault, 503))
_FAULTS: dict[int | str, dict[str, Any]] = {status: {"model": Fault} for status in (400, 404, 409, 413, 422, 503)}


def make_app(studio: Studio, door: Door) -> Guard:
    """The application, to be served by any ASGI server.

    Args:
        studio: what it shows.
        door: who may come in.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        import asyncio

        studio.attach(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(studio.close)

    app = FastAPI(
        title="i2s-trt studio", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, responses=_FAULTS
    )
    app.add_exception_handler(I2sError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    _page_routes(app)
    shelf_routes(app, studio)
    photograph_routes(app, studio)
    embedding_routes(app, studio)
    edit_routes(app, studio)
    socket_route(app, studio)
    return Guard(app, door)


def _page_routes(app: FastAPI) -> None:
    """The page's files, listed once: no text of a client becomes a path."""
    files = {path.name: path for path in PAGE.glob("*") if path.suffix in _TYPES and path.is_file()}

    def send(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "the page has no such file")
        return FileResponse(files[name], media_type=_TYPES[files[name].suffix])

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return send("index.html")

    @app.get("/page/{file}", include_in_schema=False)
    def page_file(file: str) -> Response:
        return send(file)

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}


def _fault(status: int, error: str, hint: str = "") -> JSONResponse:
    return JSONResponse({"error": error, "hint": hint}, status)


async def _answer_error(_request: Request, error: Exception) -> Response:
    """What a user can put right: a value and a status of the fours."""
    if not isinstance(error, I2sError):
        raise error
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 422)
    return _fault(400 if status == 422 and isinstance(error, UsageError) else status, str(error.args[0]), error.hint)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    """A body or a parameter that is not as the protocol has it."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults[:3])
    return _fault(422, said[:600].encode("utf-8", "replace").decode(), "/openapi.json says what can be sent")


async def _answer_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _fault(error.status_code, str(error.detail), "/openapi.json lists what there is")
