"""Routes of edits: repeated, exported, saved, and their history."""

from fastapi import FastAPI, Request
from fastapi.responses import Response

from i2s_trt.studio.protocol import (
    Current,
    EditRequest,
    ExportRequest,
    HistoryAnswer,
    NewNode,
    Node,
    RepeatAnswer,
    SaveRequest,
    Shelved,
)
from i2s_trt.studio.repeat import repeat
from i2s_trt.studio.routes.awaited import while_awaited
from i2s_trt.studio.studio import Studio

_GONE = 499  # nobody reads it


def edit_routes(app: FastAPI, studio: Studio) -> None:
    """Add them."""

    @app.post("/api/repeat")
    def repeated(request: EditRequest) -> RepeatAnswer:
        return repeat(request.edit, studio.editor, studio.model)

    @app.post("/api/export", response_class=Response)
    async def export(request: ExportRequest, connection: Request) -> Response:
        file = await while_awaited(connection, lambda gone: studio.export(request, gone))
        if file is None:
            return Response(status_code=_GONE)
        disposition = f'attachment; filename="{file.name}"'
        return Response(file.data, media_type=file.media_type, headers={"content-disposition": disposition})

    @app.post("/api/save")
    def save(request: SaveRequest) -> Shelved:
        studio.exporter.save_as(request.edit, request.name)
        studio.tell_shelf()
        return studio.shelf.describe(request.name)

    @app.get("/api/history")
    def history() -> HistoryAnswer:
        return studio.history.answer()

    @app.post("/api/history")
    def add(new: NewNode) -> Node:
        return studio.history.add(new)

    @app.put("/api/history/current")
    def go(current: Current) -> HistoryAnswer:
        return studio.history.go(current.id)
