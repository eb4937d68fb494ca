"""The journal of a batch: an append-only file with a line for every output that is on the disk for good.

A line is `CRC32 JSON`, and its newline makes it valid: a writer killed at any byte leaves at most one line without,
which is cut off when the journal is opened again. Lines that are damaged otherwise do not count; what they stood for is
made again.
"""

import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from i2s_trt.batch.disk import sync_folder
from i2s_trt.errors import UsageError
from i2s_trt.files import guard_os_errors

_HEADER = {"journal": "i2s-trt batch", "version": 1}


@dataclass(frozen=True)
class Commit:
    """An output that is on the disk.

    Attributes:
        output: file name within the batch's folder.
        key: digest of everything that determines the output.
        size: in bytes.
        sha256: of the file.
        engine: that rendered it.
        threads: of a CPU that it rendered with; 0 on a GPU, and where that is not known.
    """

    output: str
    key: str
    size: int
    sha256: str
    engine: str = ""
    threads: int = 0


def read_commits(path: Path) -> Iterator[Commit]:
    """What a journal says, oldest first, without opening it for writing; nothing where there is none."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        yield from (Commit(**document) for document in map(_parse, file) if document and "output" in document)


class Journal:
    """Open for appending; only one process may have it open.

    Args:
        path: of the file; made if need be.
        anew: forget what an older journal says.

    Raises:
        UsageError: another file of that name is there, or a journal of another version.
        EnvironmentFault: it cannot be written.
    """

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._path = path
        with guard_os_errors(path):
            self._file = path.open("w+b" if anew else "a+b", buffering=0)
            try:
                self._begin()
            except BaseException:
                self._file.close()
                raise

    def commits(self) -> Iterator[Commit]:
        """Every commit, oldest first; an output that was made again appears again."""
        yield from read_commits(self._path)

    def append(self, commits: Sequence[Commit]) -> None:
        """Add commits; they are on the disk when this returns. Raises EnvironmentFault, and adds none of them then."""
        with guard_os_errors(self._path):
            self._write(b"".join(_line(vars(commit)) for commit in commits))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _begin(self) -> None:
        """Cut off what was not finished, and check or write the header."""
        end = _end_of_last_line(self._file)
        self._file.truncate(end)
        if end == 0:
            self._write(_line(_HEADER))
            sync_folder(self._path.parent)
            return
        self._file.seek(0)
        if _parse(self._file.readline()) != _HEADER:
            raise UsageError(
                f"{self._path} is no journal of this version of i2s-trt", "leave out --resume to begin anew"
            )

    def _write(self, data: bytes) -> None:
        start = self._file.seek(0, io.SEEK_END)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(start)
            raise


def _line(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(line: bytes) -> dict[str, Any] | None:
    """What a line says; None when it is damaged or not finished."""
    checksum, _, text = line.partition(b" ")
    if not text.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text[:-1]):
        return None
    document: dict[str, Any] = json.loads(text)
    return document


def _end_of_last_line(file: io.FileIO) -> int:
    """How much of the file ends in a newline, in bytes."""
    end = file.seek(0, io.SEEK_END)
    while end:
        start = max(0, end - (1 << 16))
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
