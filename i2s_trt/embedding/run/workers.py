"""What workers of a cluster keep in an output folder while they embed, and what is left of it when a run was killed."""

import shutil
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from i2s_trt.embedding.run.snapshot import snapshot_step
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
        with suppress(OSError):  # Windows removes no file that is open
            path.unlink()  # first: once it is released, it may be another run's
        lock.release()


def clear_workers(folder: Path, finished: Container[str] = (), *, keep: bool = True) -> None:
    """Remove workers' folders; their snapshots go to where a resumed run looks for them.

    Args:
        folder: of the outputs.
        finished: names whose snapshots are of no use any more.
        keep: whether any are.
    """
    partial = folder / PARTIAL
    found: dict[str, list[Path]] = {}
    for snapshot in partial.glob("*/.*.snapshot") if keep else ():
        if snapshot.name.removeprefix(".").removesuffix(".snapshot") not in finished:
            found.setdefault(snapshot.name, []).append(snapshot)
    for name, snapshots in found.items():
        with suppress(OSError):
            before = (folder / name).read_bytes() if (folder / name).is_file() else b""
            if furthest := furthest_snapshot(snapshots, before):
                furthest.replace(folder / name)
    shutil.rmtree(partial, ignore_errors=True)


def furthest_snapshot(found: Iterable[Path], before: bytes) -> Path | None:
    """The snapshot of most steps, by what it says itself: the clocks of machines differ.

    Args:
        found: of one picture, by several workers; those that cannot be read count for nothing.
        before: what workers were given to go on from; a copy of it may be of another run, which had come further.
    """
    steps: dict[Path, int] = {}
    for path in found:
        with suppress(OSError):  # its worker has just finished
            if path.read_bytes() != before and (step := snapshot_step(path)) >= 0:
                steps[path] = step
    return max(steps, key=steps.__getitem__, default=None)


def recover(folder: Path) -> None:
    """Clear up after a cluster whose driver was killed. Raises as `own_folder` does."""
    if (folder / PARTIAL).is_dir() and (folder / _LOCK).exists():
        with own_folder(folder):
            clear_workers(folder)
