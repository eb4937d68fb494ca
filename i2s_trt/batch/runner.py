"""Makes a batch: latents are edited, rendered, encoded, written and committed, all at the same time."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from i2s_trt.batch.channel import Channel
from i2s_trt.batch.crew import Crew, Edited, Site
from i2s_trt.batch.jobs import BatchLatent, Job, jobs_of
from i2s_trt.batch.journal import Commit
from i2s_trt.batch.manifest import write_manifest
from i2s_trt.batch.options import BatchOptions, BatchProgress, BatchResult, Rendering
from i2s_trt.batch.output_folder import MANIFEST, OutputFolder, UnusableName
from i2s_trt.batch.stages import Stage, flow
from i2s_trt.batch.threads import ThreadCrew
from i2s_trt.deltas import Delta, TunedLatent
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.errors import I2sError, LatentError
from i2s_trt.images.encode import SUFFIXES
from i2s_trt.latents import refuse_absurd

if TYPE_CHECKING:
    from pathlib import Path

    from i2s_trt.synthesizer import Synthesizer
Report = Callable[[BatchProgress], None]
_READ_AHEAD = 32  # latents
_PATIENCE = 0.2  # seconds that outputs wait for others to be committed with


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
    crew = ThreadCrew(synthesizers)
    return run_crew(latents, variants, crew, folder, options, rendering, report, should_stop)


def run_crew(
    latents: Sequence[BatchLatent],
    variants: Sequence[Variant],
    crew: Crew,
    folder: "Path",
    options: BatchOptions | None = None,
    rendering: Rendering | None = None,
    report: Report = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> BatchResult:
    """Have a crew render every variant of every latent; arguments and errors as for `run_batch`, and the crew's own."""
    options, rendering = options or BatchOptions(), rendering or Rendering()
    with OutputFolder(folder, resume=options.resume) as outputs:
        site = Site(outputs, options, rendering.engine, rendering.threads, should_stop)
        batch = _Batch(latents, variants, site, rendering)
        batch.run(crew, report)
        manifest = outputs.path / MANIFEST
        write_manifest(manifest, batch.jobs(), outputs.commits(), site.failures, rendering)
        return batch.result(manifest)


class _Batch:
    """One run; `_edit` and `_commit` are the first and the last stage of the pipeline, the crew's are in between."""

    def __init__(
        self,
        latents: Sequence[BatchLatent],
        variants: Sequence[Variant],
        site: Site,
        rendering: Rendering,
    ) -> None:
        self._latents, self._variants, self._site = latents, variants, site
        self._outputs, self._options = site.outputs, site.options
        self._setting = rendering.setting(site.options)
        self._kept = self._rendered = 0
        self._threads: set[int] = set()
        self._seconds = 0.0

    def run(self, crew: Crew, report: Report) -> None:
        """Send everything through the pipeline."""
        start = time.monotonic()
        stages = [*crew.stages(self._site), Stage([self._commit], 1)]
        try:
            for count in flow(self._edit(), stages, crew.capacity(self._options)):
                self._rendered += count
                self._seconds = time.monotonic() - start
                report(self._progress())
        except I2sError as fault:  # where a disk is full, the journal may be the second to find it so
            self._site.fault = self._site.fault or fault
        if self._site.fault:
            raise self._site.fault

    def jobs(self) -> Iterator[Job]:
        """Everything that is to be made."""
        for latent in self._latents:
            yield from self._jobs_of(latent)

    def result(self, manifest: "Path") -> BatchResult:
        """What became of it."""
        failures, total = tuple(self._site.failures), len(self._latents) * len(self._variants)
        interrupted = self._done() < total
        return BatchResult(total, self._rendered, self._kept, failures, interrupted, self._seconds, manifest)

    def _edit(self) -> Iterator[Edited]:
        """What has not been committed yet, edited."""
        for jobs, w_plus in self._read():
            try:
                delta = jobs[0].latent.read_delta()
            except LatentError as error:
                self._site.fail(jobs[0].latent.source, error, len(jobs))
                continue
            for job in jobs:
                if self._site.fault or self._site.should_stop():
                    return
                yield from self._apply(job, w_plus, delta)

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
        missing: list[Job] = []
        for job in jobs:
            if self._outputs.has(job.output, job.key):
                self._kept += 1
                self._threads.add(self._outputs.threads(job.output))
            else:
                missing.append(job)
        try:
            return (missing, latent.read()) if missing else None
        except LatentError as error:
            self._site.fail(latent.source, error, len(missing))
            return None

    def _apply(self, job: Job, w_plus: Any, delta: Delta | None) -> Iterator[Edited]:
        try:
            edited = job.variant.apply(w_plus)
            refuse_absurd(edited, "the edit gives", "take a smaller strength")
            yield Edited(job, TunedLatent(edited, job.variant.change(delta)))
        except I2sError as error:
            self._site.fail(job.output, error)

    def _commit(self, incoming: Channel[Commit]) -> Iterator[int]:
        """The number of outputs in each group that is committed; every commit waits for the disk, so they are few."""
        while group := incoming.take(self._options.group, self._options.group, _PATIENCE):
            placed = self._outputs.commit(group)
            for commit, result in zip(group, placed, strict=True):
                if isinstance(result, UnusableName):
                    self._site.fail(commit.output, result)
            self._threads |= {commit.threads for commit in group}
            yield sum(isinstance(result, Commit) for result in placed)

    def _jobs_of(self, latent: BatchLatent) -> list[Job]:
        return jobs_of(latent, self._variants, SUFFIXES[self._options.picture_format], self._setting)

    def _progress(self) -> BatchProgress:
        total = len(self._latents) * len(self._variants)
        done = self._done()
        rate, threads = self._rendered / self._seconds, tuple(sorted(self._threads - {0}))
        return BatchProgress(done, total, rate, (total - done) / rate if rate else float("inf"), threads)

    def _done(self) -> int:
        """Outputs that are there, or never will be."""
        return self._kept + self._rendered + sum(failure.outputs for failure in self._site.failures)
