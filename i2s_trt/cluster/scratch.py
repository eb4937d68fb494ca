"""A worker's folder on its own machine, for results that go to the driver; none outlives its worker for long.

A worker that ends in good order removes its own. What one that was killed has left, the next to start there removes:
its lock is free then.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from i2s_trt.errors import EnvironmentFault
from i2s_trt.files import guard_os_errors

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK = ".lock"
_OWN: "dict[Path, BaseFileLock]" = {}  # of this process


def scratch_root() -> Path:
    """Where the folders of all workers of this user are on this machine."""
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    return Path(tempfile.gettempdir()) / f"i2s-trt-workers-{user}"


def own_scratch(token: str) -> Path:
    """A new folder for the worker of this token; those of workers that are no more are removed.

    Raises:
        EnvironmentFault: it cannot be made, or another user has taken its place.
    """
    from filelock import FileLock

    root = scratch_root()
    with guard_os_errors(root):
        root.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and root.lstat().st_uid != os.getuid():
            raise EnvironmentFault(f"{root} is another user's", "set TMPDIR to a folder of your own on that machine")
        _sweep(root)
        lock = FileLock(root / (token + _LOCK))
        lock.acquire()
        folder = root / token
        folder.mkdir()
    _OWN[folder] = lock
    return folder


def remove_scratch() -> None:
    """Remove what this process has."""
    while _OWN:
        folder, lock = _OWN.popitem()
        _remove(folder, lock)


def _sweep(root: Path) -> None:
    from filelock import FileLock, Timeout

    for path in root.glob(f"*{_LOCK}"):
        lock = FileLock(path)
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            _remove(path.with_suffix(""), lock)


def _remove(folder: Path, lock: "BaseFileLock") -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name(folder.name + _LOCK).unlink(missing_ok=True)
    lock.release()
