"""Embeds picture files into a folder: names, batches, snapshots, resuming, and what is written for each picture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import remove_delta
from i2s_trt.devices import cpu_threads
from i2s_trt.embedding.embed import Embedding, EmbedProblem, EmbedProgress, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.outputs import Outputs, unique_names
from i2s_trt.embedding.run.resume import is_finished, resumed, snapshot_of
from i2s_trt.embedding.run.snapshot import Snapshot, SnapshotKeeper, save_snapshot
from i2s_trt.embedding.run.tuned import PictureTuner
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import EnvironmentFault, I2sError
from i2s_trt.files import guard_os_errors, make_folder
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import fit_picture, picture_digest
from i2s_trt.latents import Latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.prepare import Prepare, Prepared, Source, path_of, prepare_file


@dataclass(frozen=True)
class JobEvent:
    """Something a user may want to see.

    Attributes:
        kind: `start`, `resumed`, `progress`, `done`, `tuning`, `tuned`, `skipped`, `failed` or `warning`.
        name: of the picture's results; several joined with a comma while a batch is in progress.
        data: `step`, `steps` and `loss` of progress; the figures of a result; an error's or a warning's message.
    """

    kind: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobResult:
    """What became of one picture.

    Attributes:
        status: `finished`, `interrupted`, `diverged`, `skipped` (was finished before) or `failed`.
        latent: its latent file, if there is one.
        error: why it failed.
    """

    source: Source
    name: str
    status: str
    latent: Path | None = None
    error: I2sError | None = None


Report = Callable[[JobEvent], None]


@dataclass(frozen=True)
class _Item:
    """A picture that is ready to be embedded."""

    source: Source
    outputs: Outputs
    picture: Prepared
    key: RunKey

    @property
    def name(self) -> str:
        return self.outputs.name


class EmbedJob:
    """Embeds files with one generator under one set of options.

    Args:
        generator: on the device to use.
        vgg: feature network.
        options: of the embedding.
        job: of the files.
        folder: for the results; made if need be.
        report: called with every event.
        should_stop: asked after each step; true ends the run, keeping what is there.
        prepare: makes a picture of a photograph; fits it as `job` says when left out.

    Raises:
        ImageError: the style picture cannot be read.
        EnvironmentFault: the folder cannot be written.
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        options: EmbedOptions,
        job: JobOptions,
        folder: Path,
        report: Report = lambda _event: None,
        should_stop: Callable[[], bool] = lambda: False,
        prepare: Prepare | None = None,
    ) -> None:
        self._generator, self._vgg, self._options, self._job = generator, vgg, options, job
        self._folder = make_folder(folder)
        self._report, self._should_stop = report, should_stop
        self._prepare: Prepare = prepare or (lambda source: prepare_file(source, generator.spec, job.fit))
        self._style = None if job.style_picture is None else self._read_style(job.style_picture)
        self._made: Embedder | None = None
        self._tuner = PictureTuner(generator, vgg, options.objective, job.tune, self._tell, should_stop)
        self._embedding = ""  # names of the batch in work

    def run(self, sources: Sequence[Source], names: Sequence[str] = ()) -> list[JobResult]:
        """Embed all pictures; one that fails does not stop the others.

        Args:
            sources: the photographs.
            names: of their results, all different; their stems when left out.

        Raises:
            EnvironmentFault: the disk is full or the folder cannot be written; snapshots remain.
        """
        chosen = names or unique_names(sources)
        named = [(path, Outputs(self._folder, name)) for path, name in zip(sources, chosen, strict=True)]
        results: list[JobResult] = []
        for start in range(0, len(named), self._job.batch):
            if self._should_stop():
                break
            results += self._run_batch(named[start : start + self._job.batch])
        return results

    def is_left(self, sources: Sequence[Source]) -> bool:
        """Whether any of these is still to be embedded, tuned or complained about. Nothing is written."""
        found = [
            (source, Outputs(self._folder, name)) for source, name in zip(sources, unique_names(sources), strict=True)
        ]
        if not all(outputs.latent.exists() for _, outputs in found):
            return True
        try:
            return not all(self._is_done(source, outputs) for source, outputs in found)
        except I2sError:
            return True

    def _is_done(self, source: Source, outputs: Outputs) -> bool:
        with guard_os_errors(path_of(source)):
            key = self._key(self._prepare(source).pixels)
        done = is_finished(outputs, key, overwrite=False, say=lambda _message: None)
        return done and self._tuner.is_done(outputs)

    def _run_batch(self, items: Sequence[tuple[Source, Outputs]]) -> Iterator[JobResult]:
        """Read, embed and write some pictures together."""
        ready: list[_Item] = []
        for path, outputs in items:
            try:
                with guard_os_errors(path_of(path)):
                    picture = self._prepare(path)
                item = _Item(path, outputs, picture, self._key(picture.pixels))
                kept = self._job.resume and is_finished(
                    outputs, item.key, overwrite=self._job.overwrite, say=partial(self._warn, outputs.name)
                )
            except EnvironmentFault:
                raise
            except I2sError as error:
                self._report(JobEvent("failed", outputs.name, {"error": str(error)}))
                yield JobResult(path, outputs.name, "failed", error=error)
                continue
            if kept and not self._tuner.is_done(outputs):
                yield self._tune(item)
                continue
            if kept:
                self._report(JobEvent("skipped", outputs.name))
                yield JobResult(path, outputs.name, "skipped", outputs.latent)
                continue
            for message in picture.warnings:
                self._warn(outputs.name, message)
            ready.append(item)
        if ready:
            yield from self._embed(ready)

    def _embed(self, ready: Sequence[_Item]) -> Iterator[JobResult]:
        pictures = [item.picture.pixels for item in ready]
        styles = None if self._style is None else [self._style] * len(ready)
        label = ", ".join(item.name for item in ready)
        self._embedding = label
        problem = EmbedProblem(self._embedder(), pictures, styles, self._job.initial)
        state, seconds = self._resume(problem, ready)
        places = [(item.outputs.snapshot, item.key) for item in ready]
        keeper = SnapshotKeeper(places, seconds, self._job.snapshot_seconds)
        self._report(JobEvent("start", label, {"steps": self._options.steps}))

        def callback(progress: EmbedProgress) -> bool:
            keeper.offer(progress)
            steps, of = min(progress.steps), progress.of
            loss = sum(progress.losses) / len(progress.losses)
            self._report(JobEvent("progress", label, {"step": steps, "steps": of, "loss": loss}))
            return self._should_stop()

        spent = optimise(problem, state, callback)
        for item, embedding in zip(ready, problem.finish(state, spent + max(seconds)), strict=True):
            yield self._write(item, embedding)

    def _embedder(self) -> Embedder:
        """Made for the first batch that there is anything to embed in."""
        if self._made is None:
            self._made = Embedder(
                self._generator, self._options, self._vgg, announce=lambda message: self._warn(self._embedding, message)
            )
        return self._made

    def _write(self, item: _Item, embedding: Embedding) -> JobResult:
        outputs, style = item.outputs, {"style_digest": item.key.style} if item.key.style else {}
        record = {"source": item.source.name, "fit": self._job.fit, **style, **item.picture.record}
        latent = replace(embedding.latent, extra={**embedding.latent.extra, **record})
        if latent.status == "interrupted":
            save_snapshot(outputs.snapshot, item.key, Snapshot(embedding.state, latent.extra["seconds"]))
        remove_delta(outputs.latent)
        outputs.write(replace(embedding, latent=latent))
        if latent.status != "interrupted":
            outputs.forget_snapshot()
        self._report(JobEvent("done", item.name, _figures(latent)))
        if latent.status == "finished" and not self._tuner.is_done(outputs):
            return self._tune(item)
        return JobResult(item.source, item.name, latent.status, outputs.latent)

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._report(JobEvent(kind, self._embedding, data))

    def _tune(self, item: _Item) -> JobResult:
        """Tune the generator to a picture whose latent is written."""
        self._embedding = item.name
        status = self._tuner.run(item.outputs, item.picture.pixels)
        return JobResult(item.source, item.name, status, item.outputs.latent)

    def _resume(self, problem: EmbedProblem, ready: Sequence[_Item]) -> tuple[EmbedState, list[float]]:
        """The starting state of a batch, and the seconds spent on each picture before."""
        found: list[Snapshot | None] = []
        for item in ready:
            say = partial(self._warn, item.name)
            snapshot = snapshot_of(item.outputs, item.key, say) if self._job.resume else None
            if snapshot:
                self._report(JobEvent("resumed", item.name, {"step": int(snapshot.state.step)}))
                self._warn_of_threads(item.name, snapshot.threads, cpu_threads(problem.device))
            found.append(snapshot)
        return resumed(problem, found)

    def _warn_of_threads(self, name: str, before: int, now: int) -> None:
        if before and now and before != now:
            counts = f"begun with OMP_NUM_THREADS={before} and goes on with {now}"
            self._warn(name, f"it was {counts}: sums are rounded otherwise, and the latent is not bit for bit the same")

    def _read_style(self, path: Path) -> Pixels:
        with guard_os_errors(path):
            return fit_picture(decode(path), self._generator.spec, self._job.fit)

    def _key(self, picture: Pixels) -> RunKey:
        style = self._style if self._options.objective.style_weight else None
        style_digest = "" if style is None else picture_digest(style)
        options, features = self._options.to_json(), self._vgg.source.digest
        return RunKey(self._generator.digest, picture_digest(picture), options, features, style_digest)

    def _warn(self, name: str, message: str) -> None:
        self._report(JobEvent("warning", name, {"message": message}))


def _figures(latent: Latent) -> dict[str, Any]:
    figures = {f"loss_{term}": value for term, value in latent.losses.items()}
    extra = latent.extra
    return {
        "status": latent.status,
        "steps": extra["steps_done"],
        "seconds": extra["seconds"],
        "distance_to_mean": latent.distance,
        **figures,
    }
