"""Makes a batch: latents are edited, rendered, encoded, written and committed, all at the same time."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.batch.channel import Channel
from i2s_trt.batch.jobs import BatchLatent, Job, jobs_of
from i2s_trt.batch.journal import Commit
from i2s_trt.batch.manifest import write_manifest
from i2s_trt.batch.options import BatchOptions, BatchProgress, BatchResult, Failure, Rendering
from i2s_trt.batch.output_folder import MANIFEST, OutputFolder, UnusableName
from i2s_trt.batch.stages import Stage, flow
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.errors import EnvironmentFault, I2sError, LatentError
from i2s_trt.images.encode import SUFFIXES, encoder
from i2s_trt.latents import refuse_absurd

if TYPE_CHECKING:
    from pathlib import Path

    from i2s_trt.synthesizer import Synthesizer
Report = Callable[[BatchProgress], None]
_READ_AHEAD = 32  # latents
_PATIENCE = 0.2  # seconds that outputs wait for others to be committed with


@dataclass(frozen=True)
class _Edited:
    job: Job
    w_plus: WPlus


@dataclass(frozen=True)
class _Picture:
    job: Job
    pixels: Pixels


def run_batch(
    latents: Sequence[BatchLatent],
    variants: Sequence[Variant],
    synthesizers: "Sequence[Synthesizer]",
    folder: "Path",
    options: BatchOptions | None = None,
    rendering: Rendering | None = None,
    report: Report = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> BatchResult:
    """Render every variant of every latent into a folder.

    Args:
        latents, variants: what is combined.
        synthesizers: a rendering thread for each; the same one twice if it overlaps its runs itself.
        folder: for the outputs, the journal and the manifest; made if need be.
        options: of the batch.
        rendering: model and engine, for the record; outputs of another model are not kept when resuming.
        report: called with the progress whenever outputs have been committed.
        should_stop: asked before each job; true ends the batch once what is under way is committed.

    Raises:
        UsageError: another batch is writing into the folder, or its journal is none of this version.
        EnvironmentFault: the disk is full or fails, or the engine cannot run; what is committed stays.
    """
    options, rendering = options or BatchOptions(), rendering or Rendering()
    with OutputFolder(folder, resume=options.resume) as outputs:
        batch = _Batch(latents, variants, outputs, options, rendering, should_stop)
        batch.run(synthesizers, report)
        manifest = outputs.path / MANIFEST
        write_manifest(manifest, batch.jobs(), outputs.commits(), batch.failures, rendering)
        return batch.result(manifest)


class _Batch:
    """One run; each method from `_edit` to `_commit` is a stage of the pipeline."""

    def __init__(
        self,
        latents: Sequence[BatchLatent],
        variants: Sequence[Variant],
        outputs: OutputFolder,
        options: BatchOptions,
        rendering: Rendering,
        should_stop: Callable[[], bool],
    ) -> None:
        self._latents, self._variants, self._outputs = latents, variants, outputs
        self._options, self._engine, self._should_stop = options, rendering.engine, should_stop
        self._encode = encoder(options.picture_format, options.quality)
        self._setting = f"{rendering.model_digest} {options.picture_format} {options.quality}"
        self.failures: list[Failure] = []
        self._kept = self._rendered = 0
        self._seconds, self._interrupted = 0.0, False
        self._full: EnvironmentFault | None = None  # why nothing more can be written; what was written is committed

    def run(self, synthesizers: "Sequence[Synthesizer]", report: Report) -> None:
        """Send everything through the pipeline."""
        waiting, start = 2 * self._options.batch * len(synthesizers), time.monotonic()
        stages = [
            Stage([partial(self._render, synthesizer) for synthesizer in synthesizers], waiting),
            Stage([self._write] * self._options.writers, self._options.group),
            Stage([self._commit], 1),
        ]
        for count in flow(self._edit(), stages, waiting):
            self._rendered += count
            self._seconds = time.monotonic() - start
            report(self._progress())
        if self._full:
            raise self._full

    def jobs(self) -> Iterator[Job]:
        """Everything that is to be made."""
        for latent in self._latents:
            yield from self._jobs_of(latent)

    def result(self, manifest: "Path") -> BatchResult:
        """What became of it."""
        failures, total = tuple(self.failures), len(self._latents) * len(self._variants)
        return BatchResult(total, self._rendered, self._kept, failures, self._interrupted, self._seconds, manifest)

    def _edit(self) -> Iterator[_Edited]:
        """What has not been committed yet, edited."""
        for jobs, w_plus in self._read():
            for job in jobs:
                if self._full:
                    return
                if self._should_stop():
                    self._interrupted = True
                    return
                yield from self._apply(job, w_plus)

    def _read(self) -> Iterator[tuple[list[Job], Any]]:
        """The latents of which something is missing, with those jobs.

        Some are read at a time: between two batches of pictures the mapping network's weights leave the cache, and
        fetching them takes longer than the mapping.
        """
        remaining = iter(self._latents)
        while ahead := list(islice(remaining, _READ_AHEAD)):
            yield from list(filter(None, map(self._missing, ahead)))

    def _missing(self, latent: BatchLatent) -> tuple[list[Job], Any] | None:
        jobs = self._jobs_of(latent)
        missing = [job for job in jobs if not self._outputs.has(job.output, job.key)]
        self._kept += len(jobs) - len(missing)
        try:
            return (missing, latent.read()) if missing else None
        except LatentError as error:
            self._fail(latent.source, error, len(missing))
            return None

    def _apply(self, job: Job, w_plus: Any) -> Iterator[_Edited]:
        try:
            edited = job.variant.apply(w_plus)
            refuse_absurd(edited, "the edit gives", "take a smaller strength")
            yield _Edited(job, edited)
        except I2sError as error:
            self._fail(job.output, error)

    def _render(self, synthesizer: "Synthesizer", incoming: Channel[_Edited]) -> Iterator[_Picture]:
        while group := incoming.take(self._options.batch, self._options.batch):
            yield from self._pictures(synthesizer, group)

    def _pictures(self, synthesizer: "Synthesizer", group: Sequence[_Edited]) -> Iterator[_Picture]:
        try:
            pictures = synthesizer(np.stack([item.w_plus for item in group]))
        except EnvironmentFault:
            raise
        except I2sError as error:
            if len(group) == 1:
                self._fail(group[0].job.output, error)
            else:  # the others may be fine
                for item in group:
                    yield from self._pictures(synthesizer, [item])
            return
        yield from (_Picture(item.job, pixels) for item, pixels in zip(group, pictures, strict=True))

    def _write(self, incoming: Channel[_Picture]) -> Iterator[Commit]:
        while group := incoming.take(1, self._options.batch):  # an engine's batch at once: fewer threads are woken
            for picture in group:
                yield from self._write_one(picture.job, picture.pixels)

    def _write_one(self, job: Job, pixels: Pixels) -> Iterator[Commit]:
        if self._full:
            return
        try:
            data = self._encode(pixels)
            self._outputs.write(job.output, data)
        except UnusableName as error:
            self._fail(job.output, error)
        except EnvironmentFault as fault:
            self._full = fault
        else:
            yield Commit(job.output, job.key, len(data), hashlib.sha256(data).hexdigest(), self._engine)

    def _commit(self, incoming: Channel[Commit]) -> Iterator[int]:
        """The number of outputs in each group that is committed; every commit waits for the disk, so they are few."""
        while group := incoming.take(self._options.group, self._options.group, _PATIENCE):
            placed = self._outputs.commit(group)
            for commit, result in zip(group, placed, strict=True):
                if isinstance(result, UnusableName):
                    self._fail(commit.output, result)
            yield sum(isinstance(result, Commit) for result in placed)

    def _fail(self, source: str, error: Exception, outputs: int = 1) -> None:
        self.failures.append(Failure(source, str(error), outputs))

    def _jobs_of(self, latent: BatchLatent) -> list[Job]:
        return jobs_of(latent, self._variants, SUFFIXES[self._options.picture_format], self._setting)

    def _progress(self) -> BatchProgress:
        total = len(self._latents) * len(self._variants)
        done = self._kept + self._rendered + sum(failure.outputs for failure in self.failures)
        rate = self._rendered / self._seconds
        return BatchProgress(done, total, rate, (total - done) / rate if rate else float("inf"))
