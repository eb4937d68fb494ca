"""Files that are either whole or not there: atomic writes, digests, and the folders the program owns."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from i2s_trt.errors import EnvironmentFault, I2sError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_HOME_VARIABLE = "I2S_TRT_HOME"


def home() -> Path:
    """The folder of imported models and downloaded features: $I2S_TRT_HOME, or the platform's data folder."""
    import platformdirs

    return Path(os.environ.get(_HOME_VARIABLE) or platformdirs.user_data_path("i2s-trt"))


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that replaces it only when the block ends well.

    The data is on the disk (fsync) before the rename; after an error nothing is left behind and an older `path` is
    as it was.

    Raises:
        EnvironmentFault: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with guard_os_errors(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically. Raises EnvironmentFault as `atomic_write` does."""
    with atomic_write(path) as stream:
        stream.write(data)


def make_folder(path: Path) -> Path:
    """Create a folder for output, with its parents.

    Raises:
        UsageError: a file of that name is in the way.
        EnvironmentFault: the folder cannot be made or written.
    """
    path = Path(path)
    with guard_os_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"{path} is not a folder", "name another output folder with -o") from error
        with tempfile.TemporaryFile(dir=path):
            return path


@contextmanager
def guard_os_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's complaints about `path` into errors that say the mend."""
    try:
        yield
    except I2sError:
        raise
    except OSError as error:
        raise _explain(path, error) from error


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _explain(path: Path, error: OSError) -> I2sError:
    if error.errno in _FULL:
        return EnvironmentFault(
            f"the disk is full: {path} was not written",
            "free some space and run the same command with --resume; everything finished so far is kept",
        )
    if error.errno in _FORBIDDEN:
        return EnvironmentFault(f"{path} cannot be written: {error.strerror}", "choose a folder you may write to")
    return EnvironmentFault(f"{path}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
