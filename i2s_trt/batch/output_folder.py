"""The folder that a batch writes into: what is in it counts once the journal says so.

An output is synced under a temporary place, renamed, and entered in the journal, in that order. A killed writer leaves
files in the temporary place, which the next one empties, and perhaps an output that no entry vouches for, which is made
again.
"""

import errno
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from i2s_trt.batch.disk import sync_folder, write_synced
from i2s_trt.batch.journal import Commit, Journal
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.files import explain_os_error, file_digest, guard_os_errors, make_folder

JOURNAL, MANIFEST = "journal.ndjson", "manifest.json"
_PARTIAL, _LOCK = ".partial", ".journal.lock"
_UNUSABLE_NAME = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST}


class UnusableName(Exception):
    """An output of this name cannot be written; others can."""


class OutputFolder:
    """A folder of outputs with its journal, for one batch at a time. A context manager.

    Args:
        path: of the folder; made if need be.
        resume: go on with the journal that is there; else it is begun anew.

    Raises:
        UsageError: another batch is writing there, or the journal is none of this version.
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = make_folder(path)
        self._partial = path / _PARTIAL
        self._resume = resume
        self._closing = ExitStack()
        self._journal: Journal
        self._before: dict[str, tuple[str, int, int]] = {}

    def __enter__(self) -> Self:
        with self._closing:
            self._lock()
            self._journal = self._closing.enter_context(Journal(self.path / JOURNAL, anew=not self._resume))
            self._before = {one.output: (one.key, one.size, one.threads) for one in self._journal.commits()}
            with guard_os_errors(self._partial):
                shutil.rmtree(self._partial, ignore_errors=True)
                self._partial.mkdir(exist_ok=True)  # a worker of a killed run may have written there meanwhile
            self._closing.callback(shutil.rmtree, self._partial, ignore_errors=True)
            self._closing = self._closing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def has(self, output: str, key: str) -> bool:
        """Whether an earlier batch committed this output, and it is still there."""
        if self._before.get(output, ("", 0, 0))[0] != key:
            return False
        with suppress(OSError):
            return (self.path / output).stat().st_size == self._before[output][1]
        return False

    def threads(self, output: str) -> int:
        """Threads of a CPU that an earlier batch rendered this output with; 0 where that is not known."""
        return self._before[output][2] if output in self._before else 0

    def write(self, output: str, data: bytes) -> None:
        """Bring an output's bytes to the disk, not yet under its name. Threads may call it for different outputs.

        Raises:
            UnusableName: there can be no file of that name.
            EnvironmentFault: the disk is full or fails.
        """
        try:
            write_synced(self._partial / output, data)
        except OSError as error:
            raise explain_output_error(self.path / output, error) from error

    @property
    def partial(self) -> Path:
        """Where outputs wait to be committed; workers elsewhere write into folders of their own in it."""
        return self._partial

    def adopt(self, output: str, folder: str, sha256: str) -> None:
        """Take over an output that a worker has written into its own folder within the temporary place.

        Raises:
            UnusableName: there can be no file of that name.
            EnvironmentFault: it is not there, or has not that digest.
        """
        written = self._partial / folder / output
        try:
            if (found := file_digest(written)) == sha256:
                written.replace(self._partial / output)
        except OSError as error:
            raise explain_output_error(written, error) from error
        if found != sha256:
            raise EnvironmentFault(
                f"{written} is not what its worker has written: sha256 {found[:12]} instead of {sha256[:12]}",
                "check the shared disk, and run the same command again with --resume",
            )

    def commit(self, commits: Sequence[Commit]) -> list[Commit | UnusableName]:
        """Give written outputs their names and enter them in the journal; all are safe when this returns.

        Returns:
            Each commit, or why an output could not get its name.

        Raises:
            EnvironmentFault: the disk is full or fails.
        """
        placed = [self._place(commit) for commit in commits]
        sync_folder(self.path)
        self._journal.append([commit for commit in placed if isinstance(commit, Commit)])
        return placed

    def commits(self) -> dict[str, Commit]:
        """The last commit of every output."""
        return {commit.output: commit for commit in self._journal.commits()}

    def _place(self, commit: Commit) -> Commit | UnusableName:
        try:
            (self._partial / commit.output).replace(self.path / commit.output)
        except OSError as error:
            fault = explain_output_error(self.path / commit.output, error)
            if isinstance(fault, UnusableName):
                return fault
            raise fault from error
        return commit

    def _lock(self) -> None:
        from filelock import FileLock, Timeout

        path = self.path / _LOCK
        with guard_os_errors(path):
            try:
                self._closing.enter_context(FileLock(path).acquire(timeout=0))
            except Timeout:
                raise UsageError(
                    f"another batch is writing into {self.path}", "wait for it, or name another folder with -o"
                ) from None
        self._closing.callback(path.unlink, missing_ok=True)


def explain_output_error(path: Path, error: OSError) -> UnusableName | I2sError:
    """What the operating system says about an output, and whether it has only to do with its name."""
    if error.errno in _UNUSABLE_NAME:
        return UnusableName(f"{path} cannot be written: {error.strerror}")
    return explain_os_error(path, error)
