"""The driver's folder, into which the results of workers come."""

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from i2s_trt.cluster.handed import HandedFile, refuse_damaged
from i2s_trt.cluster.options import Outputs as Where
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.run.workers import PARTIAL, clear_workers, furthest_snapshot, own_folder
from i2s_trt.files import guard_os_errors, make_folder, write_bytes


class ResultsFolder:
    """Brings results of workers into a folder, and sees to what those leave there that end too soon.

    Args:
        folder: for the results; made if need be.
        outputs: whether workers write into it, or give their results back.

    Attributes:
        folder: where it is, whatever becomes the working directory.
        partial: where every worker has a folder of its own; None when they give their results back.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(self, folder: Path, outputs: Where) -> None:
        self.folder = make_folder(folder).absolute()  # by the name that all machines know it by, links and all
        self.partial = self.folder / PARTIAL if outputs == "shared" else None
        self._settled: set[str] = set()

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Have it for one run; workers' folders of a killed run are taken over, and none are left at the end.

        Args:
            resume: whether the snapshots of that run are of use.

        Raises:
            UsageError: another run works in it.
        """
        with own_folder(self.folder):
            clear_workers(self.folder, keep=resume)
            try:
                yield
            finally:
                clear_workers(self.folder, self._settled)

    def furthest(self, snapshot: str, before: bytes = b"") -> bytes | None:
        """The snapshot of the worker that has come furthest; None where none has left another than `before`."""
        found = sorted((self.folder / PARTIAL).glob(f"*/{glob.escape(snapshot)}"))
        with suppress(OSError):  # the worker lives, and has just finished
            if path := furthest_snapshot(found, before):
                return path.read_bytes()
        return None

    def keep(self, token: str, name: str, data: bytes) -> None:
        """Have a snapshot that a worker has sent where it would be if that had written it here itself.

        Raises:
            EnvironmentFault: the folder cannot be written.
        """
        snapshot = Outputs(self.folder / PARTIAL / token, name).snapshot
        fresh = snapshot.with_suffix(".new")
        with guard_os_errors(snapshot):
            snapshot.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            fresh.replace(snapshot)

    def settle(self, name: str) -> None:
        """Note that a result has come, or never will: snapshots of it are of no use any more."""
        self._settled.add(name)

    def place(self, token: str, files: Sequence[HandedFile], ahead: Callable[[], None] = lambda: None) -> None:
        """Give files that a worker has written or sent their names here, in order.

        Args:
            token: of the worker.
            files: of one result.
            ahead: called once none is found damaged, before the first gets its name.

        Raises:
            UsageError: a folder of that name is in the way.
            EnvironmentFault: the folder cannot be written, or a file is damaged; none is placed then.
        """
        for file in files:
            self._verify(token, file)
        ahead()
        for file in files:
            target = self.folder / file.name
            if file.data is not None:
                write_bytes(target, file.data)
            elif self.partial is not None:
                with guard_os_errors(target):
                    (self.partial / token / file.name).replace(target)

    def _verify(self, token: str, file: HandedFile) -> None:
        target = self.folder / file.name
        if file.data is not None:
            refuse_damaged(target, file.data, file.sha256)
        elif self.partial is not None:
            with guard_os_errors(target):
                written = self.partial / token / file.name
                refuse_damaged(written, written.read_bytes(), file.sha256)
