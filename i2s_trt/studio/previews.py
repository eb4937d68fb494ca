"""Previews: each client's latest edit, rendered in worker threads and encoded; what came in between is dropped."""

import asyncio
import logging
import struct
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from i2s_trt.errors import I2sError
from i2s_trt.images.encode import encoder
from i2s_trt.studio.edits import Editor
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.outbox import Outbox
from i2s_trt.studio.protocol import Edit, PreviewRequest

PREVIEW, FRAME = 1, 2
_QUALITY = 88  # of JPEG


def frame(kind: int, number: int, data: bytes) -> bytes:
    """A binary message: kind in a byte, number in four, big end first, and a picture's file."""
    return struct.pack(">BI", kind, number) + data


class Previews:
    """Renders edits; one thread for each synthesizer of the model.

    Args:
        model: that is open.
        editor: of its latents.
    """

    def __init__(self, model: StudioModel, editor: Editor) -> None:
        self._model, self._editor = model, editor
        self._idle: SimpleQueue[int] = SimpleQueue()
        for worker in range(len(model.synthesizers)):
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(model.synthesizers), "preview")
        self._encode = encoder("jpeg", _QUALITY)

    async def render(self, edit: Edit) -> bytes:
        """The JPEG of an edit. Raises as `Editor.tuned` does."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._render, edit)

    def close(self) -> None:
        """Let the threads end; what waits is not rendered."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _render(self, edit: Edit) -> bytes:
        latent = self._editor.tuned(edit)
        worker = self._idle.get()
        try:
            return self._encode(self._model.preview(latent, worker))
        finally:
            self._idle.put(worker)


class PreviewStream:
    """The previews of one client: one is being rendered, one waits, and a newer one takes the waiting one's place.

    Args:
        previews: renders.
        outbox: of the client.
    """

    def __init__(self, previews: Previews, outbox: Outbox) -> None:
        self._previews, self._outbox = previews, outbox
        self._waiting: PreviewRequest | None = None
        self._asked = asyncio.Event()

    def ask(self, request: PreviewRequest) -> None:
        """Show this next."""
        self._waiting = request
        self._asked.set()

    async def run(self) -> None:
        """Render what is asked for until it is cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            request, self._waiting = self._waiting, None
            if request is not None:
                await self._show(request)

    async def _show(self, request: PreviewRequest) -> None:
        try:
            picture = await self._previews.render(request.edit)
        except I2sError as error:
            self._tell(request.id, str(error.args[0]), error.hint)
        except Exception:  # an engine can raise anything; the next edit may be fine
            logging.getLogger(__name__).exception("preview of %s", request.edit)
            self._tell(request.id, "this could not be rendered", "this is a defect; the log says more")
        else:
            self._outbox.put("preview", frame(PREVIEW, request.id, picture))

    def _tell(self, number: int, error: str, hint: str) -> None:
        self._outbox.put("preview error", {"type": "error", "id": number, "error": error, "hint": hint})
