"""Runs studies: what is finished is kept, what is interrupted goes on, one that fails does not stop the others."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import i2s_trt
from benchmarks.paper.album import Album
from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Outcome, read_outcome, write_outcome
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import NotTestableError
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.files import make_folder


@dataclass(frozen=True)
class Event:
    """Something a user may want to see: `plan`, `begin`, `kept`, `outcome` or `failed`."""

    kind: str
    study: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be done: studies not yet finished, and the embeddings they lack."""

    studies: tuple[Study, ...]
    embeddings: int
    steps: int


class Runner:
    """Runs studies in a folder of results.

    Args:
        lab: model, pictures and settings.
        embeddings: the store that the lab uses.
        folder: of the results, one subfolder a study.
        report: called with every event.
    """

    def __init__(
        self, lab: Lab, embeddings: Embeddings, folder: Path, report: Callable[[Event], None] = lambda _event: None
    ) -> None:
        self._lab, self._embeddings, self._folder, self._report = lab, embeddings, folder, report

    def plan(self, studies: Sequence[Study]) -> Plan:
        """What running these studies would take."""
        open_ = [study for study in studies if self.finished(study) is None]
        missing = self._embeddings.missing(self._tasks_of(open_))
        later = sum(study.later(self._lab) for study in open_)
        steps = sum(task.options.steps for task in missing) + later * self._lab.settings.steps
        return Plan(tuple(open_), len(missing) + later, steps)

    def run(self, studies: Sequence[Study]) -> dict[str, I2sError]:
        """Run what is not finished; returns the errors by study.

        Raises:
            EnvironmentFault: the disk is full or a folder cannot be written.
            StoppedError: the user asked to stop.
        """
        plan = self.plan(studies)
        self._report(Event("plan", data={"embeddings": plan.embeddings, "steps": plan.steps}))
        self._embeddings.prepare(self._tasks_of(plan.studies))
        errors = {}
        for study in studies:
            kept = self.finished(study)
            if kept is not None:
                self._report(Event("kept", study.name, _summary(kept)))
                continue
            self._report(Event("begin", study.name, {"title": study.title}))
            try:
                self._report(Event("outcome", study.name, _summary(self._measure(study))))
            except EnvironmentFault:
                raise
            except I2sError as error:
                errors[study.name] = error
                self._report(Event("failed", study.name, {"error": str(error)}))
        return errors

    def finished(self, study: Study) -> Outcome | None:
        """The outcome that is kept, if nothing that it depends on has changed."""
        return read_outcome(self._folder / study.name, self._key(study))

    def _measure(self, study: Study) -> Outcome:
        begun, folder = time.monotonic(), self._folder / study.name
        try:
            findings = study.measure(self._lab, Album(folder))
        except NotTestableError as reason:
            findings = Findings(untestable=str(reason))
        outcome = Outcome(study.name, self._key(study), findings, round(time.monotonic() - begun, 1))
        write_outcome(make_folder(folder), outcome)
        return outcome

    def _tasks_of(self, studies: Sequence[Study]) -> list[Task]:
        """The embeddings that are known beforehand."""
        tasks: list[Task] = []
        for study in studies:
            with suppress(NotTestableError):
                tasks += study.tasks(self._lab)
        return tasks

    def _key(self, study: Study) -> str:
        parts = {"study": study.name, "code": code_digest(), **self._lab.identity}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextmanager
def sole_user(folder: Path) -> Iterator[None]:
    """Hold a results folder; files that a killed run left half-written are removed.

    Raises:
        UsageError: another run uses it.
        EnvironmentFault: it cannot be written.
    """
    make_folder(folder)
    try:
        with FileLock(folder / ".lock", timeout=0):
            for leftover in folder.rglob(".*.tmp"):
                leftover.unlink(missing_ok=True)
            yield
    except Timeout as error:
        raise UsageError(f"another run works in {folder}", "wait for it, or name another folder with -o") from error


@cache
def code_digest() -> str:
    """Digest of the studies and of the library they edit and read with: changed code measures anew.

    Embeddings that are there are kept: what they depend on is in their own keys.
    """
    return digest_sources(Path(__file__).parent, Path(i2s_trt.__file__).parent)


def digest_sources(*packages: Path) -> str:
    """sha256 over the Python files of some packages, with their places in them."""
    state = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*.py")):
            state.update(f"{path.relative_to(package).as_posix()}\n".encode() + path.read_bytes())
    return state.hexdigest()


def _summary(outcome: Outcome) -> dict[str, Any]:
    return {"verdict": outcome.verdict, "reason": outcome.reason, "seconds": outcome.seconds}
