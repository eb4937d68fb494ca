"""The queue of embeddings: one at a time, each in a process of its own, so that no crash there ends anything here."""

import itertools
import math
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault, I2sError, ImageError, UsageError
from i2s_trt.files import make_folder
from i2s_trt.process import END, Child, Stopped
from i2s_trt.studio.embedding_job import ENDED, Job, known_jobs
from i2s_trt.studio.embedding_run import Ended, Progressed, Task, embed_in_child, thinned
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.photographs import NoPhotograph, Photographs
from i2s_trt.studio.protocol import STEPS, Embedding, EmbeddingRequest, Onward, State
from i2s_trt.studio.shelf import Shelf

FOLDER = "embeddings"
WAITING, KEPT = 20, 100  # embeddings in the queue, and in the list
_BETWEEN_RECORDS = 5.0  # seconds, while nothing but the step changes
_SMOOTH = 0.2  # of the latest time a step in the average
Tell = Callable[[Embedding, bytes | None], None]


class Embeddings:
    """Embeds photographs one after the other in a thread of its own.

    Those of a studio before, on the same shelf, are there again; what waited or ran then is stopped, and can go on.

    Args:
        model: that is open.
        shelf: where results go.
        photographs: where pictures come from.
        tell: called from that thread with every change, and a JPEG every so often.
        shelved: called from that thread when something was laid on the shelf.
    """

    def __init__(
        self, model: StudioModel, shelf: Shelf, photographs: Photographs, tell: Tell, shelved: Callable[[], None]
    ) -> None:
        self._model, self._shelf, self._photographs = model, shelf, photographs
        self._tell, self._shelved = tell, shelved
        self._folder = make_folder(shelf.folder / FOLDER)
        known, own = known_jobs(self._folder), model.generator.digest
        self._jobs = {job.told.id: job for job in known if job.model == own}  # another model's wait for that
        for job in self._jobs.values():
            job.told = job.told.model_copy(update={"onward": self._onward(job)})
        self._queue: list[Job] = []
        self._numbers = itertools.count(max((job.told.id for job in known), default=0) + 1)
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="embeddings", daemon=True)
        self._thread.start()

    def list(self) -> list[Embedding]:
        """All that are remembered, oldest first."""
        with self._changed:
            return [job.told for job in self._jobs.values()]

    def add(self, request: EmbeddingRequest) -> Embedding:
        """Queue an embedding.

        Raises:
            NoPhotograph: there is no such photograph.
            ImageError: its square has no area, or lies elsewhere.
            UsageError: too many wait, or the shelf is full.
        """
        self._photographs.check(request.photograph, request.quad)
        with self._changed:
            self._refuse_crowd()
            self._shelf.refuse_full(self._coming())
            told = Embedding(
                id=next(self._numbers),
                name=request.name,
                state="queued",
                of=request.steps + request.tune,
                tune=request.tune,
            )
            job = Job(told, request, self._model.generator.digest, secrets.token_hex(4), self._folder)
            self._jobs[told.id] = job
            self._enqueue(job)
            self._forget()
            return job.told

    def stop(self, number: int) -> Embedding:
        """End an embedding after its step and keep what it has; one that waits is cancelled. Raises UsageError."""
        return self._end(number, lambda job: job.stop.touch())

    def more(self, number: int, steps: int) -> Embedding:
        """Go on with one that has ended, for `steps` more than it was to take.

        Raises:
            UsageError: there is none, it has not ended, it can never work, nothing is left to do, or the shelf is full.
        """
        with self._changed:
            job = self._find_ended(number)
            of = job.told.of + steps
            if self._onward(job) == "never":
                raise UsageError(f"embedding {number} can never work as it is", "send its photograph again")
            if job.told.state == "finished" and not steps:
                raise UsageError(f"embedding {number} has taken all its steps", "say how many more")
            if of - job.told.tune > STEPS:
                raise UsageError(f"{of - job.told.tune} steps are more than {STEPS}", "embed with the command line")
            self._refuse_crowd()
            if not self._laid_again(job):
                self._shelf.refuse_full(self._coming())
            job.stop.unlink(missing_ok=True)
            job.cancelled = False
            self._update(job, of=of, error=None, hint=None, note=None, seconds_left=None)
            self._enqueue(job)
            return job.told

    def cancel(self, number: int) -> Embedding:
        """End an embedding at once; nothing is kept of it but what lies on the shelf. Raises UsageError."""
        return self._end(number, lambda job: setattr(job, "cancelled", True))

    def dismiss(self, number: int) -> Embedding:
        """Take one that has ended off the list; what it laid on the shelf stays there. Raises UsageError."""
        with self._changed:
            job = self._find_ended(number)
            self._remove(job)
            return job.told

    def release(self, photograph: str) -> None:
        """Refuse to have a photograph deleted that is being embedded, or waits for that. Raises UsageError."""
        with self._changed:
            for job in self._jobs.values():
                if job.request.photograph == photograph and job.told.state not in ENDED:
                    raise UsageError(f"{job.told.name} is embedded from this photograph just now", "cancel that first")

    def reconsider(self) -> None:
        """Look again what can be gone on with, after a photograph has come or gone."""
        with self._changed:
            for job in self._jobs.values():
                if job.told.state in ENDED and job.told.onward != self._onward(job):
                    self._update(job)

    def _end(self, number: int, running: Callable[[Job], None]) -> Embedding:
        """Drop an embedding that waits, or do something to one that runs."""
        with self._changed:
            job = self._find(number)
            if job.told.state == "queued":
                self._drop(job)
            elif job.told.state == "running":
                running(job)
            return job.told

    def close(self) -> None:
        """End the one that runs and the thread; returns when both have ended. Their records stay."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or bool(self._queue))
                if self._closing:
                    return
                job = self._queue.pop(0)
                job.mark = None
                self._update(job, state="running", position=0)
                self._renumber()
            try:
                self._run(job)
            except Stopped:
                if job.cancelled:
                    self._update(job, state="cancelled")
            except I2sError as error:
                job.hopeless = isinstance(error, ImageError)
                self._update(job, state="failed", error=str(error.args[0]), hint=error.hint)
            except Exception as error:  # the queue goes on whatever happens
                reason = f"{type(error).__name__}: {error}"[:300]
                self._update(job, state="failed", error=reason, hint="this is a defect of the program")

    def _run(self, job: Job) -> None:
        """Embed in a child, which is closed at the end. Raises I2sError, or Stopped where it was cancelled."""
        request, told = job.request, job.told
        picture = self._photographs.prepare(request.photograph, request.quad)
        steps = told.of - told.tune
        task = Task(self._model.name, self._model.device, picture, steps, request, job.state, job.stop)
        child = Child(embed_in_child, task)
        try:
            while (item := child.ask(should_stop=lambda: job.cancelled or self._closing)) is not END:
                if isinstance(item, Progressed):
                    self._note(job, item)
                elif isinstance(item, Ended):
                    self._lay(job, item, picture.pixels)
        finally:
            child.close()

    def _note(self, job: Job, item: Progressed) -> None:
        now, before, told = time.monotonic(), job.mark, job.told
        job.mark = (now, item.step)
        ms = told.ms_a_step
        if before and item.step > before[1]:
            latest = (now - before[0]) * 1e3 / (item.step - before[1])
            ms = latest if ms is None else ms + _SMOOTH * (latest - ms)
        loss = told.loss
        if item.loss is not None and math.isfinite(item.loss):  # JSON has no nan
            loss = item.loss
            job.curve = thinned([*job.curve, (item.step, loss)])
        left = None if ms is None else max(0, told.of - item.step) * ms / 1e3
        self._update(job, item.jpeg, step=item.step, loss=loss, curve=job.curve, ms_a_step=ms, seconds_left=left)

    def _lay(self, job: Job, ended: Ended, target: Pixels) -> None:
        """On the shelf, in the place of what the same embedding laid there before, if that is there yet."""
        again = self._laid_again(job)
        name = job.told.name if again else self._shelf.free_name(job.told.name)
        latent = ended.latent
        self._shelf.put(name, latent, target, ended.delta, replace=again)
        job.laid = self._shelf.digest(name)
        whole = latent.status == "finished" and (ended.delta is not None or not job.told.tune)
        state: State = "finished" if whole else "stopped"
        error = "the loss was no longer finite" if latent.status == "diverged" else None
        self._update(job, name=name, state="failed" if error else state, error=error, seconds_left=0.0)
        self._shelved()

    def _laid_again(self, job: Job) -> bool:
        """Whether what it lays on the shelf takes the place of what it laid there before."""
        name = job.told.name
        return bool(job.laid) and name in self._shelf.names() and self._shelf.digest(name) == job.laid

    def _coming(self) -> int:
        """How many latents will come to the shelf that are not there yet."""
        unfinished = (job for job in self._jobs.values() if job.told.state not in ENDED)
        return sum(not self._laid_again(job) for job in unfinished)

    def _update(self, job: Job, jpeg: bytes | None = None, **changes: object) -> None:
        with self._changed:
            job.told = job.told.model_copy(update=changes)
            if job.told.state in ENDED:
                job.told = job.told.model_copy(update={"onward": self._onward(job)})
            told = job.told
            if self._jobs.get(told.id) is not job:
                return  # it was dismissed while its process ended
            self._keep(job, at_once="state" in changes)
        self._tell(told, jpeg)

    def _keep(self, job: Job, *, at_once: bool) -> None:
        now = time.monotonic()
        if job.told.state != "dismissed" and (at_once or now - job.kept >= _BETWEEN_RECORDS):
            job.kept = now
            with suppress(EnvironmentFault):  # a full disk, which is told of where a result cannot be laid on the shelf
                job.keep()

    def _onward(self, job: Job) -> Onward:
        """What is there to go on with."""
        try:
            self._photographs.path(job.request.photograph)
        except NoPhotograph:
            return "never"
        if job.hopeless:
            return "never"
        return "resume" if job.state.is_file() else "begin"

    def _enqueue(self, job: Job) -> None:
        self._queue.append(job)
        self._update(job, state="queued", position=len(self._queue))
        self._changed.notify_all()

    def _drop(self, job: Job) -> None:
        self._queue.remove(job)
        self._update(job, state="cancelled", position=0)
        self._renumber()

    def _renumber(self) -> None:
        for position, job in enumerate(self._queue, 1):
            if job.told.position != position:
                self._update(job, position=position)

    def _find(self, number: int) -> Job:
        if number not in self._jobs:
            raise UsageError(f"there is no embedding {number}", "GET /api/embeddings lists what there is")
        return self._jobs[number]

    def _find_ended(self, number: int) -> Job:
        job = self._find(number)
        if job.told.state not in ENDED:
            raise UsageError(f"embedding {number} is {job.told.state}", "wait until it ends, or stop it")
        return job

    def _refuse_crowd(self) -> None:
        if len(self._queue) >= WAITING:
            raise UsageError(f"{WAITING} embeddings wait already", "wait until some have ended, or cancel some")

    def _forget(self) -> None:
        ended = [number for number, job in self._jobs.items() if job.told.state in ENDED]
        for number in ended[: max(0, len(self._jobs) - KEPT)]:
            self._remove(self._jobs[number])

    def _remove(self, job: Job) -> None:
        self._update(job, state="dismissed")
        del self._jobs[job.told.id]
        job.forget()
