"""Files that are either whole or not there: atomic writes, digests, and the folders the program owns."""

import errno
import glob
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from i2s_trt.errors import EnvironmentFault, I2sError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_TAKEN = {errno.EISDIR, errno.EEXIST, errno.ENOTDIR, errno.ENOTEMPTY}
FREE_SPACE = "free some space and run the same command again"
_HOME_VARIABLE = "I2S_TRT_HOME"
_NOBODYS_HOME = Path("/nonexistent")  # as Debian has it: there is none, and nobody may make one


def home() -> Path:
    """The folder of imported models and downloaded features: $I2S_TRT_HOME, or the platform's data folder."""
    if chosen := os.environ.get(_HOME_VARIABLE):
        return Path(chosen)
    import platformdirs

    try:
        return Path(platformdirs.user_data_path("i2s-trt"))
    except RuntimeError:  # a user whom the system does not know, as in containers
        return _NOBODYS_HOME / "i2s-trt"


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that replaces it only when the block ends well.

    The data is on the disk (fsync) before the rename; after an error nothing is left behind and an older `path` is
    as it was.

    Raises:
        EnvironmentFault: the disk is full or the folder cannot be written.
        UsageError: a folder of that name is in the way.
    """
    path = Path(path)
    with guard_os_errors(path):
        temporary = path.with_name(f"{_temporary_stem(path)}.{secrets.token_hex(6)}.tmp")
        stream = temporary.open("xb")  # the umask decides who may read it, unlike a file of tempfile's
        try:
            with stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
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
    """Turn the operating system's complaints about `path` into errors that say a hint."""
    try:
        yield
    except I2sError:
        raise
    except OSError as error:
        raise explain_os_error(path, error) from error


def remove_leftovers(path: Path) -> None:
    """Delete temporary files that killed writers of `path` left beside it; nobody may be writing it now."""
    with guard_os_errors(path):
        for temporary in path.parent.glob(f"{glob.escape(_temporary_stem(path))}.*.tmp"):
            temporary.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def explain_os_error(path: Path | str, error: OSError) -> I2sError:
    """What the operating system says about `path`, with a hint."""
    if error.errno in _FULL:
        return EnvironmentFault(f"the disk is full: {path} was not written", FREE_SPACE)
    if error.errno in _FORBIDDEN:
        own = Path(path).is_relative_to(home())
        hint = f"set {_HOME_VARIABLE} to a folder you may write to" if own else "choose a folder you may write to"
        return EnvironmentFault(f"{path} cannot be written: {error.strerror}", hint)
    if error.errno in _TAKEN:
        return UsageError(
            f"{path} cannot be written: {error.strerror}", "move what is in the way, or choose another name"
        )
    return EnvironmentFault(f"{path}: {error.strerror or error}", "check the name and the disk")


def _temporary_stem(path: Path) -> str:
    return f".{path.name[:40]}"


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
