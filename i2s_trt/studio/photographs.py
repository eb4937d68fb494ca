"""Photographs that clients sent: kept under the digest of their bytes, with the faces that were found in them."""

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError, UsageError
from i2s_trt.faces.detectors import load_detector
from i2s_trt.files import guard_os_errors, make_folder, write_bytes
from i2s_trt.images.decode import DecodeOptions, decode
from i2s_trt.images.encode import encoder
from i2s_trt.photographs.prepare import Prepared, prepare_square, prepare_whole, refuse_tiny
from i2s_trt.photographs.quad import Quad, ffhq_quad
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import FoundFace, PhotographAnswer

FOLDER = "photographs"
MOST = 500
_IDENTIFIER = re.compile(r"[0-9a-f]{16}")
_LIMITS = DecodeOptions(max_pixels=64_000_000)
_SHOWN = 1600  # pixels of the longer side on the page
_SMALLEST = 4.0  # pixels of a quad's sides


class NoPhotograph(UsageError):
    """There is no photograph of that identifier."""


class Photographs:
    """A folder of photographs; threads may share it.

    Args:
        folder: of the shelf; they lie in its folder `photographs`.
        model: that pictures are made for.
    """

    def __init__(self, folder: Path, model: StudioModel) -> None:
        self._folder, self._model = make_folder(folder / FOLDER), model
        self._lock = threading.Lock()  # one is decoded at a time: that takes some hundred megabytes
        self._answers: OrderedDict[str, PhotographAnswer] = OrderedDict()
        for leftover in self._folder.glob("*.part"):
            with suppress(OSError):
                leftover.unlink()

    def receiving(self) -> Path:
        """A file of its own for bytes that come in; `take` takes it in."""
        return self._folder / f"{secrets.token_hex(8)}.part"

    def take(self, received: Path, name: str) -> PhotographAnswer:
        """Take in a file that was received, and look for faces.

        Raises:
            ImageError: it is not a picture, or too large.
            UsageError: there are too many.
        """
        try:
            with self._lock:
                with received.open("rb") as stream:
                    identifier = _digest(stream)
                if identifier in self._answers:
                    return self._answers[identifier].model_copy(update={"name": name})
                answer = self._look(decode(received, _LIMITS), identifier, name)
                if not self._path(identifier).is_file() and len(self.identifiers()) >= MOST:
                    raise UsageError(f"there are {MOST} photographs already", "delete some of them")
                with guard_os_errors(self._folder):
                    received.replace(self._path(identifier))
                return self._remember(answer)
        except ImageError as error:
            raise ImageError(str(error.args[0]).replace(str(received), "the file"), error.hint) from error
        finally:
            received.unlink(missing_ok=True)

    def identifiers(self) -> list[str]:
        """All that are kept, the latest first."""
        kept = [path for path in self._folder.iterdir() if _IDENTIFIER.fullmatch(path.name)]
        return [path.name for path in sorted(kept, key=_age, reverse=True)]

    def look(self, identifier: str) -> PhotographAnswer:
        """One that is kept, with its faces. Raises NoPhotograph, or ImageError for a damaged file."""
        self.path(identifier)
        with self._lock:
            if identifier in self._answers:
                return self._answers[identifier]
            return self._remember(self._look(self.pixels(identifier), identifier, "photograph"))

    def delete(self, identifier: str) -> None:
        """Take one off the disk, with what the page shows of it. Raises NoPhotograph."""
        with self._lock, guard_os_errors(self._folder):
            path = self.path(identifier)
            self._answers.pop(identifier, None)
            self._shown(identifier).unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def path(self, identifier: str) -> Path:
        """The file of a photograph. Raises NoPhotograph where there is none."""
        if not _IDENTIFIER.fullmatch(identifier) or not self._path(identifier).is_file():
            raise NoPhotograph(f"there is no photograph {identifier[:40]}", "send it again")
        return self._path(identifier)

    def picture(self, identifier: str) -> bytes:
        """A JPEG for the page, upright. Raises NoPhotograph, or ImageError for a damaged file."""
        path, shown = self.path(identifier), self._shown(identifier)
        if not shown.is_file():
            with self._lock:
                write_bytes(shown, encoder("jpeg", 88)(_reduce(decode(path, _LIMITS))))
        return shown.read_bytes()

    def pixels(self, identifier: str) -> Pixels:
        """Upright, uint8 [H, W, 3]. Raises NoPhotograph, or ImageError for a damaged file."""
        return decode(self.path(identifier), _LIMITS)

    def prepare(self, identifier: str, corners: list[list[float]] | None) -> Prepared:
        """The picture that is embedded: a quad of the photograph, its largest face, or its middle.

        Raises:
            NoPhotograph: there is none.
            ImageError: the quad has no area, or lies elsewhere.
        """
        pixels, path, spec = self.pixels(identifier), self.path(identifier), self._model.generator.spec
        if corners is None and self._model.generator.draws_faces:
            found = load_detector()(pixels)
            corners = ffhq_quad(found[0].landmarks).tolist() if found else None
        if corners is None:
            return prepare_whole(pixels, path, spec)
        return prepare_square(pixels, _checked(corners, pixels.shape[0], pixels.shape[1]), path, spec)

    def check(self, identifier: str, corners: list[list[float]] | None) -> None:
        """Refuse what `prepare` would, without its work. Raises as `prepare` does."""
        self.path(identifier)
        known = self._answers.get(identifier)
        height, width = (known.height, known.width) if known else self.pixels(identifier).shape[:2]
        if corners is not None:
            _checked(corners, height, width)

    def copy(self, file: Path) -> str:
        """Take in a copy of a photograph that is known to be good; gives its identifier."""
        with file.open("rb") as stream:
            identifier = _digest(stream)
        write_bytes(self._path(identifier), file.read_bytes())
        return identifier

    def _path(self, identifier: str) -> Path:
        return self._folder / identifier

    def _shown(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.shown.jpg"

    def _remember(self, answer: PhotographAnswer) -> PhotographAnswer:
        self._answers[answer.id] = answer
        while len(self._answers) > MOST:
            self._answers.popitem(last=False)
        return answer

    def _look(self, pixels: Pixels, identifier: str, name: str) -> PhotographAnswer:
        refuse_tiny(Path(), pixels)
        height, width = pixels.shape[:2]
        faces = load_detector()(pixels, every=True) if min(height, width) >= 32 else []
        shown = [
            FoundFace(quad=np.round(ffhq_quad(face.landmarks), 2).tolist(), score=round(float(face.score), 4))
            for face in faces
        ]
        picture = f"/api/photographs/{identifier}/picture"
        return PhotographAnswer(id=identifier, name=name, width=width, height=height, picture=picture, faces=shown)


def _digest(stream: BufferedReader) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _age(path: Path) -> float:
    """When a file was written, in seconds since 1970; 0 for one that has just gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _reduce(pixels: Pixels) -> Pixels:
    """At most `_SHOWN` pixels a side."""
    factor = _SHOWN / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    import cv2

    height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _checked(corners: list[list[float]], height: int, width: int) -> Quad:
    """The quad float64 [4, 2] as a parallelogram; refuses what shows nothing of a photograph of so many pixels."""
    quad = np.asarray(corners, np.float64)
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    area = abs(across[0] * down[1] - across[1] * down[0])
    longest = 4.0 * max(height, width)
    if min(np.hypot(*across), np.hypot(*down)) < _SMALLEST or area < _SMALLEST**2 or np.abs(quad).max() > longest:
        raise ImageError("the square shows nothing of the photograph", "draw it over the face")
    if (quad.max(axis=0) < 0).any() or (quad.min(axis=0) > [width, height]).any():
        raise ImageError("the square lies outside the photograph", "draw it over the face")
    return np.stack([quad[0], quad[1], quad[1] + across, quad[3]])
