"""Edits as files: a picture, a latent, a picture laid back into its photograph, a morph."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import TunedLatent
from i2s_trt.edit.sequence import MorphOptions, delta_at, morph_frames
from i2s_trt.errors import UsageError
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import fit_to
from i2s_trt.images.png import encode_png
from i2s_trt.latents import Latent, save_latent
from i2s_trt.photographs.paste import PasteOptions, paste_back
from i2s_trt.photographs.record import KEY, alignment_of
from i2s_trt.process import Stopped
from i2s_trt.studio.edits import Editor, base_name
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.photographs import FOLDER, NoPhotograph, Photographs
from i2s_trt.studio.protocol import Edit, ExportRequest, RandomBase, to_json
from i2s_trt.studio.shelf import Shelf
from i2s_trt.video.write import write_video

_FRAMES, _RATE = 60, 30
_POLL = 0.2  # seconds
WAITING = 8  # files at a time, of which one is made
PNG, LATENT, MP4 = "image/png", "application/octet-stream", "video/mp4"


@dataclass(frozen=True)
class File:
    """A file's name, type and bytes."""

    name: str
    media_type: str
    data: bytes


class Exporter:
    """Makes files of edits.

    Args:
        model: that is open.
        shelf: of its latents.
        photographs: that latents were embedded from.
        editor: applies edits.
    """

    def __init__(self, model: StudioModel, shelf: Shelf, photographs: Photographs, editor: Editor) -> None:
        self._model, self._shelf, self._photographs, self._editor = model, shelf, photographs, editor
        self._lock = threading.Lock()  # one file at a time: photographs and videos take memory
        self._places = threading.Semaphore(WAITING)

    def export(
        self,
        request: ExportRequest,
        progressed: Callable[[int, int], None] = lambda _done, _of: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> File:
        """The file that is asked for, after those that were asked for before.

        Args:
            request: what it is made of.
            progressed: called with the frames of a video that are done, and how many there will be.
            should_stop: asked while it waits, and before every frame.

        Raises:
            UsageError: a morph without an end, nothing to paste into, or too many files are being made.
            Stopped: `should_stop` said so.
            I2sError: as `Editor.w_plus` does.
        """
        with self._turn(should_stop):
            return self._export(request, progressed, should_stop)

    @contextmanager
    def _turn(self, should_stop: Callable[[], bool]) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise UsageError(f"{WAITING} files are being made already", "wait until some are done, or cancel some")
        try:
            while not self._lock.acquire(timeout=_POLL):
                _refuse_stopped(should_stop)
            try:
                yield
            finally:
                self._lock.release()
        finally:
            self._places.release()

    def _export(
        self, request: ExportRequest, progressed: Callable[[int, int], None], should_stop: Callable[[], bool]
    ) -> File:
        edit = request.edit
        latent = self._editor.tuned(edit)
        stem = "sample" if isinstance(edit.base, RandomBase) else base_name(edit)
        if request.kind == "picture":
            return File(f"{stem}-edit.png", PNG, encode_png(self._model.picture(latent)))
        if request.kind == "latent":
            return File(f"{stem}-edit.safetensors", LATENT, _latent_file(self.latent(edit)))
        if request.kind == "pasted":
            return File(f"{stem}-pasted.png", PNG, encode_png(self._paste(edit, latent)))
        if request.to is None:
            raise UsageError("a morph ends at a latent", "name it with `to`")
        data = self._morph(latent, self._shelf.tuned(request.to), progressed, should_stop)
        return File(f"{stem}-to-{request.to}.mp4", MP4, data)

    def latent(self, edit: Edit) -> Latent:
        """An edit as a latent with its record. Raises as `Editor.w_plus` does."""
        w_plus, generator = self._editor.w_plus(edit), self._model.generator
        extra: dict[str, Any] = {}
        image = ""
        if not isinstance(edit.base, RandomBase):
            base = self._shelf.latent(base_name(edit))
            extra, image = {KEY: base.extra[KEY]} if KEY in base.extra else {}, base.image_digest
        distance = float(np.linalg.norm(w_plus - self._editor.space.mean))
        options = {"operation": "studio", "edit": to_json(edit)}
        return Latent(w_plus, generator.digest, image, distance, options=options, extra=extra)

    def save_as(self, edit: Edit, name: str) -> None:
        """Lay an edit on the shelf, with the photograph of its base. Raises as `Editor.w_plus` and `Shelf.put` do."""
        base = None if isinstance(edit.base, RandomBase) else self._shelf.target(base_name(edit))
        self._shelf.put(name, self.latent(edit), decode(base) if base else None, self._editor.tuned(edit).delta)

    def _paste(self, edit: Edit, latent: TunedLatent) -> Pixels:
        name = base_name(edit)
        alignment = alignment_of(self._shelf.latent(name).extra)
        if alignment is None:
            raise UsageError(f"{name} was not made from a photograph", "take an embedded latent as the base")
        try:
            photograph = self._photographs.pixels(alignment.photograph)
        except NoPhotograph as error:
            raise UsageError(f"the photograph of {name} is not in {FOLDER} any more", "send it again") from error
        if photograph.shape[:2] != tuple(alignment.size):
            raise UsageError(f"the photograph of {name} has another size now", "embed it again")
        picture = self._model.picture(latent)
        face = alignment.kind == "ffhq"
        before = None if alignment.kind == "ffhq" else fit_to(photograph, picture.shape[:2], alignment.kind)
        options = PasteOptions("face" if face else "picture")
        return paste_back(photograph, picture, alignment.quad, options, unedited=before)

    def _morph(
        self,
        first: TunedLatent,
        second: TunedLatent,
        progressed: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> bytes:
        frames = list(morph_frames([first.w_plus, second.w_plus], MorphOptions(_FRAMES, "ease-in-out")))
        deltas = first.delta, second.delta

        def pictures() -> Iterator[Pixels]:
            for done, frame in enumerate(frames):
                _refuse_stopped(should_stop)
                progressed(done, len(frames))
                yield self._model.picture(TunedLatent(frame.w_plus, delta_at(deltas, frame.position)))

        with tempfile.TemporaryDirectory(prefix="i2s-trt-") as folder:
            path = Path(folder) / "morph.mp4"
            write_video(path, pictures(), _RATE)
            return path.read_bytes()


def _refuse_stopped(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Stopped


def _latent_file(latent: Latent) -> bytes:
    with tempfile.TemporaryDirectory(prefix="i2s-trt-") as folder:
        path = Path(folder) / "edit.safetensors"
        save_latent(path, latent)
        return path.read_bytes()
