"""What workers of a cluster keep in an output folder while they embed, and what is left of it when a run was killed."""

import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from i2s_trt.errors import UsageError
from i2s_trt.files import guard_os_errors

PARTIAL, _LOCK = ".partial", ".embed.lock"


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Have an output folder's workers for one run at a time.

    Raises:
        UsageError: another run has them.
        EnvironmentFault: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / _LOCK
    lock = FileLock(path)
    with guard_os_errors(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"a cluster is embedding into {folder}", "wait for it, or name another folder with -o"
            ) from None
    try:
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)


def clear_workers(folder: Path, finished: Container[str] = (), *, keep: bool = True) -> None:
    """Remove workers' folders; their snapshots go to where a resumed run looks for them.

    Args:
        folder: of the outputs.
        finished: names whose snapshots are of no use any more.
        keep: whether any are.
    """
    partial = folder / PARTIAL
    found = sorted(partial.glob("*/.*.snapshot"), key=lambda path: path.stat().st_mtime)  # the newest stays
    for snapshot in found if keep else []:
        if snapshot.name.removeprefix(".").removesuffix(".snapshot") not in finished:
            with suppress(OSError):
                snapshot.replace(folder / snapshot.name)
    shutil.rmtree(partial, ignore_errors=True)


def recover(folder: Path) -> None:
    """Clear up after a cluster whose driver was killed. Raises as `own_folder` does."""
    if (folder / PARTIAL).is_dir() and (folder / _LOCK).exists():
        with own_folder(folder):
            clear_workers(folder)
