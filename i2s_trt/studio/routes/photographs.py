"""Routes of the photographs."""

from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from i2s_trt.studio.protocol import PhotographAnswer, PhotographsAnswer
from i2s_trt.studio.routes.received import BODY, FOREVER, receive
from i2s_trt.studio.studio import Studio


def photograph_routes(app: FastAPI, studio: Studio) -> None:
    """Add them."""

    @app.post("/api/photographs", openapi_extra=BODY)
    async def photograph(request: Request) -> PhotographAnswer:
        name = unquote(request.headers.get("x-name", "photograph"))[:200]
        received = await receive(request, studio.photographs.receiving())
        return await run_in_threadpool(studio.take_photograph, received, name)

    @app.get("/api/photographs/{identifier}/picture", response_class=Response)
    def photograph_picture(identifier: str) -> Response:
        return Response(studio.photographs.picture(identifier), media_type="image/jpeg", headers=FOREVER)

    @app.get("/api/photographs")
    def photographs() -> PhotographsAnswer:
        return studio.kept_photographs()

    @app.get("/api/photographs/{identifier}")
    def look(identifier: str) -> PhotographAnswer:
        return studio.photographs.look(identifier)

    @app.delete("/api/photographs/{identifier}")
    def delete(identifier: str) -> PhotographsAnswer:
        studio.delete_photograph(identifier)
        return studio.kept_photographs()
