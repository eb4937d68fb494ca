"""Everything that the studio consists of, put together: what the routes work with."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.files import make_folder
from i2s_trt.studio.directions import Directions
from i2s_trt.studio.edits import Editor
from i2s_trt.studio.embeddings import Embeddings
from i2s_trt.studio.exports import Exporter, File
from i2s_trt.studio.history import History
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.outbox import Outbox
from i2s_trt.studio.photographs import Photographs
from i2s_trt.studio.previews import FRAME, Previews, frame
from i2s_trt.studio.protocol import (
    Embedding,
    ExportRequest,
    KeptPhotograph,
    ModelAnswer,
    PhotographAnswer,
    PhotographsAnswer,
    to_json,
)
from i2s_trt.studio.shelf import Shelf
from i2s_trt.studio.starters import fill


class Studio:
    """A shelf with all that is done with it, and the clients that hear of it.

    Args:
        model: that is open.
        folder: of the shelf.

    Raises:
        EnvironmentFault: the folder cannot be written.
        UsageError: another studio has it open.
    """

    def __init__(self, model: StudioModel, folder: Path) -> None:
        self._clients: set[Outbox] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.model = model
        self._lock = _own(make_folder(folder))
        self.shelf = Shelf(folder, model)
        self.photographs = Photographs(folder, model)
        fill(self.shelf, self.photographs, model)
        self.history = History(folder)
        self.directions = Directions(folder, LatentSpace.of(model.generator))
        self.editor = Editor(model, self.shelf, self.directions)
        self.previews = Previews(model, self.editor)
        self.exporter = Exporter(model, self.shelf, self.photographs, self.editor)
        self.embeddings = Embeddings(model, self.shelf, self.photographs, self._tell, self.tell_shelf)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell clients from this loop on."""
        self._loop = loop

    def close(self) -> None:
        """End threads and processes; what lies on the shelf stays."""
        self._loop = None
        self.embeddings.close()
        self.previews.close()
        self._lock.release()

    def join(self, outbox: Outbox) -> None:
        """A client that is to be told. Call it in the loop."""
        self._clients.add(outbox)

    def leave(self, outbox: Outbox) -> None:
        """A client that has gone. Call it in the loop."""
        self._clients.discard(outbox)

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self._clients)

    def describe(self) -> ModelAnswer:
        """What the page says of the model."""
        generator = self.model.generator
        height, width = generator.spec.picture_size
        return ModelAnswer(
            name=self.model.name,
            digest=generator.digest,
            width=width,
            height=height,
            layers=generator.num_layers,
            crossover=generator.spec.crossover,
            faces=generator.draws_faces,
            directions=self.directions.names,
            device=self.model.device,
            engine=self.model.engine,
        )

    def kept_photographs(self) -> PhotographsAnswer:
        """All photographs, with what was made from them."""
        latents = self.shelf.of_photographs()
        return PhotographsAnswer(
            photographs=[
                KeptPhotograph(id=one, picture=f"/api/photographs/{one}/picture", latents=latents.get(one, []))
                for one in self.photographs.identifiers()
            ]
        )

    def take_photograph(self, received: Path, name: str) -> PhotographAnswer:
        """Take in a file that was received. Raises as `Photographs.take` does."""
        answer = self.photographs.take(received, name)
        self._photographs_changed()
        return answer

    def delete_latent(self, name: str) -> None:
        """Take a latent from the shelf, and its photograph off the disk if nothing else needs it.

        Raises NotOnShelf, or UsageError for what is no name.
        """
        try:
            photograph = self.shelf.photograph(name)
        except LatentError:
            photograph = ""  # a file that cannot be read can be deleted
        self.shelf.delete(name)
        if photograph and photograph not in self.shelf.of_photographs():
            with suppress(UsageError):
                self.delete_photograph(photograph)
        self.tell_shelf()

    def delete_photograph(self, identifier: str) -> None:
        """Take a photograph off the disk; latents that were made from it stay.

        Raises:
            NoPhotograph: there is none.
            UsageError: it is being embedded, or waits for that.
        """
        self.photographs.path(identifier)
        self.embeddings.release(identifier)
        self.photographs.delete(identifier)
        self._photographs_changed()

    def tell_shelf(self) -> None:
        """Every client hears that the shelf has changed; from any thread."""
        self._everyone("shelf", {"type": "shelf"})

    def export(self, request: ExportRequest, should_stop: Callable[[], bool]) -> File:
        """A file of an edit, whose progress clients hear of; from any thread. Raises as `Exporter.export` does."""

        def progressed(done: int, of: int) -> None:
            if request.ticket is not None:
                told = {"type": "export", "ticket": request.ticket, "done": done, "of": of}
                self._everyone(f"export {request.ticket}", told)

        return self.exporter.export(request, progressed, should_stop)

    def _photographs_changed(self) -> None:
        self.embeddings.reconsider()
        self._everyone("photographs", {"type": "photographs"})

    def _tell(self, embedding: Embedding, jpeg: bytes | None) -> None:
        self._everyone(f"embedding {embedding.id}", {"type": "embedding", "embedding": to_json(embedding)})
        if jpeg is not None:
            self._everyone(f"frame {embedding.id}", frame(FRAME, embedding.id, jpeg))

    def _everyone(self, slot: str, message: bytes | Mapping[str, Any]) -> None:
        def put() -> None:
            for outbox in self._clients:
                outbox.put(slot, message)

        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(put)


def _own(folder: Path) -> FileLock:
    """The folder for this process alone, until it ends; what killed writers left is removed. Raises UsageError."""
    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(f"another studio has {folder} open", "end that one, or name another --folder") from error
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    return lock
