"""Parts of files that were made to run code or to fill the memory, for the writers of every kind of file."""

import io
import zipfile
from typing import Any

LARGE = 96 * 2**20


class Reduced:
    """Pickles as a call, which a loader that executes would make, and as a state for what it gives."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def inflating(archive: bytes) -> bytes:
    """The same archive with one more entry, that inflates to 96 MiB of zeros."""
    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream) as entries:
        folder = entries.namelist()[0].split("/")[0]
    with (
        zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as entries,
        entries.open(f"{folder}/data/bomb", "w") as entry,
    ):
        for _ in range(LARGE // 2**20):
            entry.write(bytes(2**20))
    return stream.getvalue()
