"""Embeds a clip into a folder: the first frame in full, every other from where the one before ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.checkpoints.encoders import PictureEncoder
from i2s_trt.embedding.embed import optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run.job import EmbedJob, JobEvent, Report
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.resume import finished_latent
from i2s_trt.embedding.start.distance import typical_distance
from i2s_trt.errors import I2sError, LatentError, UsageError
from i2s_trt.files import make_folder
from i2s_trt.images.fit import picture_digest
from i2s_trt.latents import Latent, read_latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.prepare import Prepared
from i2s_trt.photographs.record import KEY, Alignment
from i2s_trt.video.folder import ClipFolder, ClipRecord
from i2s_trt.video.options import ClipOptions
from i2s_trt.video.plan import FramePlan
from i2s_trt.video.problem import FrameProblem
from i2s_trt.video.read import ClipInfo, read_frames, read_info

Planner = Callable[[Path, ClipInfo, ClipOptions, Callable[[int], None]], FramePlan]


@dataclass(frozen=True)
class ClipResult:
    """What became of a clip.

    Attributes:
        source: the clip.
        name: of its results.
        status: `finished`, `interrupted`, `diverged` or `failed`.
        folder: of its latents; None when it failed before there was one.
        latents: of the frames that are done, in order.
        error: why it failed.
    """

    source: Path
    name: str
    status: str
    folder: ClipFolder | None = None
    latents: tuple[Latent, ...] = ()
    error: I2sError | None = None


class ClipJob:
    """Embeds clips with one generator under one set of options.

    Args:
        generator: on the device to use.
        vgg: feature network.
        options: of the first frame; the others share all but steps and start.
        clip: how frames follow each other.
        plan: says what each frame shows; called with the clip, what it is, `clip`, and a report of frames looked at.
        settings: that the plan depends on, as JSON values.
        report: called with every event.
        should_stop: asked after each step; true ends the run, keeping the frames that are done.
        initial: w_plus [L, D] that the first frame starts from, or the encoder that guesses it.
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        options: EmbedOptions,
        clip: ClipOptions,
        plan: Planner,
        settings: dict[str, Any] | None = None,
        report: Report = lambda _event: None,
        should_stop: Callable[[], bool] = lambda: False,
        initial: WPlus | PictureEncoder | None = None,
    ) -> None:
        if options.space == "z":
            raise UsageError("a clip cannot be embedded in Z", "take --space w+ or w")
        self._generator, self._vgg, self._options, self._clip = generator, vgg, options, clip
        self._plan, self._report, self._should_stop, self._initial = plan, report, should_stop, initial
        plan_settings = {"smoothing": clip.smoothing, "model": generator.digest, "most_frames": clip.most_frames}
        self._settings = {**(settings or {}), **plan_settings}
        self._run = {
            **options.to_json(), "features": vgg.source.digest, "frame_steps": clip.frame_steps,
            "rate_share": clip.rate_share, "temporal_weight": clip.temporal_weight,
        }  # fmt: skip
        self._typical = typical_distance(generator)
        self._embedder: Embedder | None = None

    def run(self, path: Path, name: str, folder: Path) -> ClipResult:
        """Embed one clip into `folder`; what is wrong with it is in the result.

        Raises:
            EnvironmentFault: the disk is full or the folder cannot be written; finished frames remain.
        """
        try:
            info = read_info(path)
            home = ClipFolder(make_folder(folder))
            record = self._record(path, name, info, home)
            latents: list[Latent] = []
            for latent in self._frames(path, name, record, home):
                latents.append(latent)
                if latent.status != "finished":
                    break
        except I2sError as error:
            if error.exit_code != I2sError.exit_code:
                raise
            self._report(JobEvent("failed", name, {"error": str(error)}))
            return ClipResult(path, name, "failed", error=error)
        status = latents[-1].status if latents else "interrupted"
        if len(latents) < len(record.plan.quads) and status == "finished":
            status = "interrupted"
        return ClipResult(path, name, status, home, tuple(latents))

    def _record(self, path: Path, name: str, info: ClipInfo, home: ClipFolder) -> ClipRecord:
        """What each frame shows and how it is embedded: as an earlier run noted it, or settled now."""
        earlier = self._earlier(home)
        changes = earlier.changes(info, self._settings, self._run) if earlier else []
        if earlier and not changes:
            return earlier
        if changes:
            self._admit(name, home, changes)
        same_plan = earlier and (earlier.info.digest, earlier.settings) == (info.digest, self._settings)
        plan = earlier.plan if earlier and same_plan else self._plan_frames(path, name, info)
        record = ClipRecord(str(path.resolve()), info, plan, self._settings, self._run)
        home.write(record)
        return record

    def _earlier(self, home: ClipFolder) -> ClipRecord | None:
        try:
            return home.read() if self._clip.resume else None
        except LatentError:
            return None

    def _admit(self, name: str, home: ClipFolder, changes: Sequence[str]) -> None:
        """Say that frames are embedded anew. Raises UsageError when that would replace some and nobody said to."""
        if _is_finished(home.latent(0)) and not self._clip.overwrite:
            raise UsageError(
                f"{home.path} was made otherwise and is kept: {', '.join(changes)}",
                "name another folder with -o, or add --overwrite to embed it anew",
            )
        message = f"starting afresh; what is there was made otherwise: {', '.join(changes)}"
        self._report(JobEvent("warning", name, {"message": message}))

    def _plan_frames(self, path: Path, name: str, info: ClipInfo) -> FramePlan:
        total = self._clip.most_frames or info.frames

        def looked(done: int) -> None:
            self._report(JobEvent("looking", name, {"step": done, "steps": total}))

        plan = self._plan(path, info, self._clip, looked)
        for message in plan.warnings:
            self._report(JobEvent("warning", name, {"message": message}))
        return plan

    def _frames(self, path: Path, name: str, record: ClipRecord, home: ClipFolder) -> Iterator[Latent]:
        """The latents of the frames, each embedded or found finished."""
        count = len(record.plan.quads)
        with closing(read_frames(path, stop=count)) as frames:
            before: Latent | None = None
            strength = 0.0
            for number, pixels in enumerate(islice(frames, count)):
                if self._should_stop():
                    return
                picture = record.plan.cut(pixels, number, self._generator.spec)
                alignment = Alignment.of(record.plan.kind, record.plan.quads[number], path, pixels).to_json()
                kept = {"clip": record.info.name, "frame": number, KEY: alignment}
                if before is None:
                    before = self._first(picture, name, home, kept)
                    scale = before.losses.get("total", 0.0) / self._typical**2
                    strength = self._clip.temporal_weight * scale
                else:
                    before = self._next(picture, before, strength, home.latent(number), kept)
                steps, total = int(before.extra["steps_done"]), before.losses["total"]
                self._report(JobEvent("frame", name, _figures(before, number, count, steps, total)))
                yield before

    def _first(self, picture: Pixels, name: str, home: ClipFolder, kept: dict[str, Any]) -> Latent:
        """Embedded in full, as a picture is, with snapshots and everything that is written for one."""
        # whether it may be overwritten was asked of the whole clip
        files = JobOptions(resume=self._clip.resume, overwrite=True, initial=self._initial)
        job = EmbedJob(
            self._generator, self._vgg, self._options, files, home.path,
            lambda event: self._report(replace(event, name=f"{name}, first frame")), self._should_stop,
            lambda _source: Prepared(picture, {**kept, "moved": 0.0}),
        )  # fmt: skip
        (result,) = job.run([Path(home.stem(0))])
        if result.latent is None:
            raise result.error or LatentError("the first frame could not be embedded")
        return read_latent(result.latent)

    def _next(self, picture: Pixels, before: Latent, strength: float, path: Path, kept: dict[str, Any]) -> Latent:
        """Started from the frame before, with the penalty; an interrupted frame is not kept."""
        kept = {**kept, "temporal_weight": self._clip.temporal_weight}
        problem = FrameProblem(self._of_frames(), picture, before.w_plus, strength)
        if self._clip.resume and (finished := self._finish(path, picture, problem.options, kept)):
            return finished
        begun = time.perf_counter()
        state = problem.start()
        optimise(problem, state, lambda _progress: self._should_stop())
        (embedding,) = problem.finish(state, time.perf_counter() - begun)
        latent = embedding.latent
        distance = float(np.linalg.norm(latent.w_plus.astype(np.float64) - before.w_plus))
        latent = replace(latent, extra={**latent.extra, **kept, "moved": distance})
        if latent.status != "interrupted":
            save_latent(path, latent)
        return latent

    def _of_frames(self) -> Embedder:
        """The problem of all frames but the first; made once."""
        if self._embedder is None:
            rate = self._options.learning_rate * self._clip.rate_share
            options = replace(
                self._options, steps=self._clip.frame_steps, learning_rate=rate, init="latent", plateau_steps=0,
                schedule="paper",
            )  # fmt: skip
            self._embedder = Embedder(self._generator, options, self._vgg)
        return self._embedder

    def _finish(self, path: Path, picture: Pixels, options: EmbedOptions, kept: dict[str, Any]) -> Latent | None:
        digests = (self._generator.digest, picture_digest(picture))
        latent = finished_latent(path, RunKey(*digests, options.to_json(), self._vgg.source.digest))
        return latent if latent and latent.extra.get("temporal_weight") == kept["temporal_weight"] else None


def _is_finished(path: Path) -> bool:
    try:
        return read_latent(path).status == "finished"
    except LatentError:
        return False


def _figures(latent: Latent, number: int, count: int, steps: int, loss: float) -> dict[str, Any]:
    return {
        "frame": number, "frames": count, "steps": steps, "loss": loss, "seconds": latent.extra["seconds"],
        "moved": latent.extra["moved"],
    }  # fmt: skip
