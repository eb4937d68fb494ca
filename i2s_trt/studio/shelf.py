"""The shelf: a folder of latent files, each with its picture and, if it was embedded, what it was embedded from.

`NAME.safetensors` is the latent, `NAME.png` what it renders, `NAME.target.png` the aligned photograph, and
`NAME.delta.safetensors` what it changes in the model, if the model was tuned to it. No text of a
client reaches the disk unless it is a name: letters, digits, `_` and `-`.
"""

import math
import re
import threading
from contextlib import suppress
from pathlib import Path

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import SUFFIX, Delta, TunedLatent, delta_path, kept, remove_delta, save_delta
from i2s_trt.edit.sources import LatentSource
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.files import file_digest, guard_os_errors, make_folder, write_bytes
from i2s_trt.images.png import encode_png
from i2s_trt.latents import Latent, read_latent, save_latent
from i2s_trt.photographs.record import alignment_of
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import Shelved

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_PARTS = (".png", ".target.png", SUFFIX, ".safetensors")  # the latent last: it makes the others valid
MOST = 1000  # latents
_DELTAS = 6  # in memory: an edit names few latents at a time


class NotOnShelf(UsageError):
    """There is no latent of that name."""


class NameTaken(UsageError):
    """Another latent is called so."""


def checked_name(name: str) -> str:
    """The name itself. Raises UsageError for what is none, such as a path."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} cannot name a latent", "use up to 60 letters, digits, _ and -")
    return name


class Shelf:
    """Latents of one model in a folder; threads may share it.

    Args:
        folder: made if need be.
        model: whose latents they are.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(self, folder: Path, model: StudioModel) -> None:
        self.folder = make_folder(folder)
        self._model, self._lock = model, threading.RLock()
        self._space = LatentSpace.of(model.generator)
        self._read: dict[str, tuple[tuple[int, int], str, Latent]] = {}
        self._deltas: dict[str, tuple[tuple[int, ...], Delta | None]] = {}
        self._source = LatentSource.of(model.generator)

    def path(self, name: str) -> Path:
        """The latent file of a name, there or not. Raises UsageError for what is no name."""
        return self.folder / f"{checked_name(name)}.safetensors"

    def names(self) -> list[str]:
        """What is on the shelf, in order."""
        found = (path.stem for path in self.folder.glob("*.safetensors"))
        return sorted((name for name in found if _NAME.fullmatch(name)), key=str.casefold)

    def latent(self, name: str) -> Latent:
        """A latent with its record.

        Raises:
            NotOnShelf: there is none of that name.
            LatentError: its file is damaged.
        """
        return self._load(name)[2]

    def w_plus(self, name: str) -> WPlus:
        """w_plus float32 [L, D]. Raises as `latent` does, and LatentError for another model's."""
        return self._space.admit(self.latent(name))

    def tuned(self, name: str) -> TunedLatent:
        """A latent with what it changes in the model. Raises as `w_plus` does, and LatentError for a damaged delta."""
        return TunedLatent(self.w_plus(name), self.delta(name))

    def delta(self, name: str) -> Delta | None:
        """What a latent changes in the model; the few that were asked for last are kept. Raises as `tuned` does."""
        with self._lock:
            stamp = (*self._load(name)[0], *_stamp(delta_path(self.path(name))))
            known = self._deltas.pop(name, None)
            if known is None or known[0] != stamp:
                known = (stamp, self._source.delta_of(self.path(name)))
            self._deltas[name] = known
            while len(self._deltas) > _DELTAS:
                del self._deltas[next(iter(self._deltas))]
            return known[1]

    def digest(self, name: str) -> str:
        """sha256 of the latent's file. Raises as `latent` does."""
        return self._load(name)[1]

    def picture(self, name: str) -> Path:
        """The file with what a latent renders; rendered if it is missing. Raises as `w_plus` does."""
        path = self.path(name).with_suffix(".png")
        with self._lock:
            self._load(name)
            if not path.is_file():
                write_bytes(path, encode_png(self._model.picture(self.tuned(name))))
        return path

    def target(self, name: str) -> Path | None:
        """The file with what a latent was embedded from; None for one that was not. Raises UsageError for no name."""
        path = self.folder / f"{checked_name(name)}.target.png"
        return path if path.is_file() else None

    def photograph(self, name: str) -> str:
        """What identifies the photograph that a latent was made from; empty for none. Raises as `latent` does."""
        alignment = alignment_of(self.latent(name).extra)
        return alignment.photograph if alignment else ""

    def of_photographs(self) -> dict[str, list[str]]:
        """The names of latents by the photographs that they were made from."""
        found: dict[str, list[str]] = {}
        for name in self.names():
            with suppress(LatentError, NotOnShelf):
                found.setdefault(self.photograph(name), []).append(name)
        return found

    def list(self) -> list[Shelved]:
        """What the page shows of every latent of this model; files that cannot be used are left out."""
        shown = []
        for name in self.names():
            with suppress(LatentError, NotOnShelf):
                self.w_plus(name)
                shown.append(self.describe(name))
        return shown

    def describe(self, name: str) -> Shelved:
        """What the page shows of a latent. Raises as `latent` does."""
        latent, digest = self.latent(name), self.digest(name)
        delta = _stamp(delta_path(self.path(name)))
        version = f"v={digest[:12]}" + (f"-{delta[0]:x}" if any(delta) else "")
        target = self.target(name)
        seconds = latent.extra.get("seconds")
        return Shelved(
            name=name,
            digest=digest,
            picture=f"/api/shelf/{name}/picture?{version}",
            target=f"/api/shelf/{name}/target?{version}" if target else None,
            status=latent.status,
            loss=_number(latent.losses.get("total")),
            distance=_number(latent.distance),
            seconds=_number(seconds),
            made="steps_done" not in latent.extra,
            tuned=any(delta),
        )

    def put(
        self,
        name: str,
        latent: Latent,
        target: Pixels | None = None,
        delta: Delta | None = None,
        *,
        replace: bool = False,
    ) -> str:
        """Lay a latent on the shelf, with the picture [H, W, 3] that it was embedded from, and what it changes.

        Raises:
            NameTaken: there is one of that name, and `replace` does not allow to take its place.
            LatentError: it belongs to another model.
            UsageError: the name is none, or the shelf is full.
        """
        path = self.path(name)
        w_plus = self._space.admit(latent)
        own = delta and kept(delta, w_plus)
        pixels = self._model.picture(TunedLatent(w_plus, own))
        with self._lock:
            if not replace:
                self._refuse_taken(name)
            if not (replace and path.is_file()):
                self.refuse_full()
            if target is not None:
                write_bytes(self.folder / f"{name}.target.png", encode_png(target))
            write_bytes(path.with_suffix(".png"), encode_png(pixels))
            remove_delta(path)
            if own:
                save_delta(delta_path(path), own)
            save_latent(path, latent)
        return name

    def refuse_full(self, coming: int = 0) -> None:
        """Refuse one more latent than there is room for, with so many that are on their way. Raises UsageError."""
        if len(self.names()) + coming >= MOST:
            those = f" with the {coming} that are being embedded" if coming else ""
            raise UsageError(
                f"the shelf is full{those}: it holds {MOST} latents", "delete some, or start another --folder"
            )

    def free_name(self, name: str) -> str:
        """The name, or the first of NAME-2, NAME-3 and so on that is free."""
        with self._lock:
            taken = {other.casefold() for other in self.names()}
            names = [name, *(f"{name[:54]}-{number}" for number in range(2, MOST + 3))]
            return next(one for one in names if one.casefold() not in taken)

    def rename(self, name: str, to: str) -> None:
        """Call a latent otherwise. Raises NotOnShelf, NameTaken, or UsageError for what is no name."""
        checked_name(to)
        with self._lock:
            self._load(name)
            if name.casefold() != to.casefold():
                self._refuse_taken(to)
            with guard_os_errors(self.folder):
                for part in _PARTS:
                    file = self.folder / f"{name}{part}"
                    if file.is_file():
                        file.replace(self.folder / f"{to}{part}")
            self._read.pop(name, None)

    def delete(self, name: str) -> None:
        """Take a latent from the shelf, with its pictures. Raises NotOnShelf, or UsageError for what is no name."""
        with self._lock:
            if not self.path(name).is_file():
                raise _missing(name)
            with guard_os_errors(self.folder):
                for part in reversed(_PARTS):
                    (self.folder / f"{name}{part}").unlink(missing_ok=True)
            self._read.pop(name, None)

    def _load(self, name: str) -> tuple[tuple[int, int], str, Latent]:
        path = self.path(name)
        with self._lock:
            try:
                state = path.stat()
            except OSError as error:
                raise _missing(name) from error
            stamp = (state.st_mtime_ns, state.st_size)
            known = self._read.get(name)
            if known is None or known[0] != stamp:
                known = self._read[name] = (stamp, file_digest(path), read_latent(path))
            return known

    def _refuse_taken(self, name: str) -> None:
        if name.casefold() in {other.casefold() for other in self.names()}:
            raise NameTaken(f"a latent named {name} is on the shelf already", "choose another name, or delete that one")


def _stamp(path: Path) -> tuple[int, int]:
    """When a file was written and how long it is; zeros for one that is not there."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def _missing(name: str) -> NotOnShelf:
    return NotOnShelf(f"no latent named {name} is on the shelf", "GET /api/shelf lists what there is")


def _number(value: object) -> float | None:
    """JSON has no nan."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
