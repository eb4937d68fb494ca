"""Zip archives that others made (PyTorch's and NumPy's files): counted before anything in them is inflated."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2s_trt.errors import CheckpointError

INFLATED_FREE = 64 * 2**20  # bytes that any archive may inflate to
INFLATED_RATIO = 4  # times its own size that a larger one may; weights hardly compress
_HINT = "if you trust where it comes from, save it anew without compression"


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive that declares no more than the memory can hold; `read_entry` holds its entries to that.

    Raises:
        CheckpointError: it declares far more than its own size; without the file's name.
        OSError, BadZipFile: it cannot be read, or is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        inflated, packed = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
        if inflated > max(INFLATED_FREE, INFLATED_RATIO * packed):
            raise CheckpointError(
                f"refused to inflate {_size(packed)} to {_size(inflated)}: the file was made to exhaust the memory",
                _HINT,
            )
        yield archive


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry, inflated no further than its declared size: `ZipFile.read` would go on and cut what it got.

    Raises:
        BadZipFile: it is not what it declares.
    """
    with archive.open(entry) as stream:
        return stream.read(entry.file_size)


def is_plain(archive: zipfile.ZipFile) -> bool:
    """Whether every other reader must see the same entries, none of them compressed, and no more than the file holds.

    Archives can be laid out so that two readers find two directories; one without a comment and with nothing before
    its first entry leaves no room for that.
    """
    entries = archive.infolist()
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    first = min((entry.header_offset for entry in entries), default=-1)
    within = sum(entry.file_size for entry in entries) <= archive.start_dir
    return stored and first == 0 and within and not archive.comment


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
