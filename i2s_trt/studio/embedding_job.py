"""An embedding as the queue has it, with its record on the disk: a studio that is started again knows it by that."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from i2s_trt.files import write_bytes
from i2s_trt.studio.protocol import Embedding, EmbeddingRequest, Message

ENDED = ("stopped", "finished", "failed", "cancelled")
_RECORD = ".json"


class Record(Message):
    """What is kept of an embedding until it is dismissed; `laid` is the digest of what it has laid on the shelf."""

    told: Embedding
    request: EmbeddingRequest
    model: str
    name: str
    laid: str = ""
    hopeless: bool = False


@dataclass
class Job:
    """An embedding with what is not told.

    Attributes:
        told: what clients hear.
        request: what was asked for.
        model: digest of the model that it is embedded in.
        name: of its files, beside the number.
        folder: of its files.
        cancelled: it is to end at once.
        laid: digest of what it has laid on the shelf.
        hopeless: what it was to embed is no picture, and never will be.
        mark: when the latest progress came, in seconds of the monotonic clock, and its step.
        kept: when its record was written last, in seconds of the same clock.
        curve: of the loss, thinned.
    """

    told: Embedding
    request: EmbeddingRequest
    model: str
    name: str
    folder: Path
    cancelled: bool = False
    laid: str = ""
    hopeless: bool = False
    mark: tuple[float, int] | None = None
    kept: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """The file with the state of the run, to go on from."""
        return self._file(".state")

    @property
    def stop(self) -> Path:
        """A file that ends the run once it is there."""
        return self._file(".stop")

    def keep(self) -> None:
        """Write the record. Raises EnvironmentFault for a full disk."""
        record = Record(
            told=self.told,
            request=self.request,
            model=self.model,
            name=self.name,
            laid=self.laid,
            hopeless=self.hopeless,
        )
        write_bytes(self.record, record.model_dump_json().encode())

    def forget(self) -> None:
        """Take its files away."""
        for file in (self.record, self.state, self.stop):
            file.unlink(missing_ok=True)

    @property
    def record(self) -> Path:
        """The file by which it is known again."""
        return self._file(_RECORD)

    def _file(self, suffix: str) -> Path:
        return self.folder / f"{self.told.id}-{self.name}{suffix}"


def known_jobs(folder: Path) -> list[Job]:
    """Those whose records lie in a folder, oldest first; files that belong to none of them are taken away.

    Those that waited or ran when the studio ended are stopped, at the step that was kept last.
    """
    jobs = [job for path in folder.glob(f"*{_RECORD}") if (job := _read(path)) is not None]
    own = {file for job in jobs for file in (job.state, job.record)}
    for leftover in (path for path in folder.iterdir() if path.is_file() and path not in own):
        leftover.unlink(missing_ok=True)
    return sorted(jobs, key=lambda job: job.told.id)


def _read(path: Path) -> Job | None:
    try:
        record = Record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    told, request, model = record.told, record.request, record.model
    job = Job(told, request, model, record.name, path.parent, laid=record.laid, hopeless=record.hopeless)
    if job.record != path:
        return None
    if job.told.state not in ENDED:
        job.told = _stopped(job)
    job.curve = list(job.told.curve)
    return job


def _stopped(job: Job) -> Embedding:
    """What is told of one that had not ended when the studio did."""
    from i2s_trt.studio.embedding_state import kept_step

    step, told = kept_step(job.state), job.told
    curve = [point for point in told.curve if point[0] <= step]
    changes = {
        "state": "stopped",
        "position": 0,
        "step": step,
        "curve": curve,
        "loss": curve[-1][1] if curve else None,
        "ms_a_step": None,
        "seconds_left": None,
        "note": "the studio ended before it did" if told.state == "running" else "the studio ended before it began",
    }
    return told.model_copy(update=changes)
