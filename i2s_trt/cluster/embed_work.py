"""A worker's side of embedding: photographs to latents, with everything that is built once built once."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from i2s_trt.checkpoints.features import features_file
from i2s_trt.cluster.faults import failed
from i2s_trt.cluster.handed import HandedFile, hand_over
from i2s_trt.cluster.scratch import own_scratch
from i2s_trt.cluster.sent_back import SentBack
from i2s_trt.cluster.tasks import Answer, Bench, Done, Failed, Hello, Outcome, Task, in_groups
from i2s_trt.cluster.within_memory import within_memory
from i2s_trt.deltas import delta_path
from i2s_trt.devices import cpu_threads
from i2s_trt.embedding.run.job import JobEvent, JobResult
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.errors import I2sError, ModelError
from i2s_trt.files import guard_os_errors
from i2s_trt.photographs.prepare import FaceOf, Source
from i2s_trt.session import Session, SessionOptions, open_session

OPENER = "i2s_trt.cluster.embed_work:open_embedding"
_PASSED_ON = ("warning", "resumed", "done", "skipped", "tuned")
_OTHERS = {
    "features": (
        "features are",
        "install the same version of i2s-trt on every machine, or name a file with --features",
    ),
    "start": ("encoder is", "train or import the same one there, or copy it from `encoders` in the driver's store"),
}


@dataclass(frozen=True)
class EmbedSettings:
    """How photographs are embedded.

    Attributes:
        session, files: as for one machine; the model is the one that was packed.
        attached: files that these name, as name and bytes: `init`, `features`, `detector`, `style_picture`.
        digests: that what a worker has of its own must have: `features`, and `start` of a latent or an encoder.
    """

    session: SessionOptions
    files: JobOptions
    attached: Mapping[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Photo:
    """A task's payload.

    Attributes:
        path: where the driver found it, for messages.
        data: the file.
        face: number of one of several faces; 0 for what the options say.
        left: what an earlier run left of the results, by file name.
    """

    path: str
    data: bytes = field(repr=False)
    face: int = 0
    left: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Embedded:
    """What became of a photograph.

    Attributes:
        status: as of `JobResult`.
        events: that the driver passes on.
        files: of the result, in the order in which they are to be placed.
    """

    status: str
    events: Sequence[JobEvent]
    files: Sequence[HandedFile]


def open_embedding(settings: Mapping[str, Any], model: str, bench: Bench) -> "EmbedWorkshop":
    """A workshop that embeds; `settings` holds `EmbedSettings` as `embed`.

    Raises:
        ModelError: features or encoder are others than the driver's.
        I2sError: as `open_session` does.
    """
    wanted: EmbedSettings = settings["embed"]
    folder = bench.folder or own_scratch(bench.token)
    wanted = detach(replace(wanted, session=replace(wanted.session, model=model)), folder / "attached")
    session = open_session(wanted.session)
    refuse_others(wanted.digests, {"features": session.vgg.source.digest, "start": session.options.init_digest})
    return EmbedWorkshop(session, wanted.files, folder, gives_back=bench.folder is None)


def refuse_others(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse to embed with what is not the driver's. Raises ModelError that names both digests."""
    for name, digest in wanted.items():
        if found[name] != digest:
            what, hint = _OTHERS[name]
            raise ModelError(f"its {what} {found[name][:12]}, and the driver's {digest[:12]}", hint)


class EmbedWorkshop:
    """Embeds; see `Workshop`. A task's payload is a `Photo`.

    Args:
        session: what to embed with.
        files: how files are handled.
        folder: for the results of the tasks that are being done.
        gives_back: whether results go to the driver as bytes; else they stay in the folder.
    """

    def __init__(self, session: Session, files: JobOptions, folder: Path, *, gives_back: bool) -> None:
        self._folder, self._gives_back, self._stopping = folder, gives_back, False
        self._sent_back = SentBack(folder, gives_back=gives_back)
        self._events: list[JobEvent] = []
        self.progress = 0
        self._job = session.pictures(folder, replace(files, resume=True), self._note, lambda: self._stopping)
        device = session.generator.mean_w.device
        self.hello = Hello(str(device), f"torch in {session.options.precision}", files.batch, 1, cpu_threads(device))
        self._batch = files.batch

    def work(self, tasks: Sequence[Task]) -> Answer:
        """Embed some photographs, fewer together if the device had too little memory for as many before."""
        outcomes = in_groups(tasks, lambda: self._batch, lambda group: within_memory(group, self._group, self._shrink))
        return Answer(outcomes, self._batch)

    def news(self) -> Mapping[str, bytes]:
        """Snapshots; see `SentBack`."""
        return self._sent_back.news()

    def stop(self) -> None:
        """End after the step that is being taken."""
        self._stopping = True

    def _group(self, tasks: Sequence[Task]) -> list[Outcome]:
        self._events.clear()
        try:
            with guard_os_errors(self._folder):
                sources = [self._lay_out(task) for task in tasks]
            results = self._job.run(sources, [task.name for task in tasks])
        except I2sError as error:
            outcomes = [failed(task, error, shared=not self._gives_back) for task in tasks]
            if len(tasks) > 1 and outcomes[0].kind == "machine":  # one of them alone may have been too much
                return [outcome for task in tasks for outcome in self._group([task])]
            return list(outcomes)
        found = {result.name: result for result in results}
        return [self._outcome(task, found.get(task.name)) for task in tasks]

    def _note(self, event: JobEvent) -> None:
        self.progress += 1
        if event.kind in _PASSED_ON:
            self._events.append(event)

    def _shrink(self, batch: int) -> None:
        self._batch = batch

    def _lay_out(self, task: Task) -> Source:
        """Put a photograph, and what is left of its results, where the job looks for them."""
        photo: Photo = task.payload
        path = self._place(task) / Path(photo.path).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.data)
        for name, data in photo.left.items():
            (self._folder / name).write_bytes(data)
        return FaceOf(path, photo.face) if photo.face else path

    def _outcome(self, task: Task, result: JobResult | None) -> Outcome:
        """What the driver hears. What it does not get is removed."""
        shutil.rmtree(self._place(task), ignore_errors=True)
        if result is not None and result.error is not None:
            message = result.error.args[0].replace(f"{self._place(task)}/", f"{Path(task.payload.path).parent}/")
            return Failed(task.name, message.replace(f"{self._folder}/", ""), result.error.hint)
        status = "interrupted" if result is None else result.status  # it stopped before this one was begun
        files = [path for path in result_files(self._folder, task.name) if path.exists()]
        if status == "skipped":
            for path in files:
                path.unlink()
            files = []
        events = [event for event in self._events if event.name == task.name]
        return Done(task.name, Embedded(status, events, hand_over(files, gives_back=self._gives_back)))

    def _place(self, task: Task) -> Path:
        return self._folder / "photographs" / task.name


def result_files(folder: Path, name: str) -> Iterator[Path]:
    """All files that a result may have; the latent makes those before it valid, and has its delta after it."""
    outputs = Outputs(folder, name)
    yield from (outputs.picture, outputs.strip, outputs.curve, outputs.curve.with_suffix(".png"))
    yield from (outputs.snapshot, outputs.latent, delta_path(outputs.latent))


def attach(session: SessionOptions, files: JobOptions) -> dict[str, tuple[str, bytes]]:
    """The files that options name, read here since workers do not see them. Raises I2sError for one that is not there.

    A start and features may be names instead, and a detector is of no use where no faces are aligned.
    """
    named: dict[str, str | Path | None] = {
        "init": session.init, "features": features_file(session.features), "detector": session.detector
    }  # fmt: skip
    paths = {key: Path(name) for key, name in named.items() if name and Path(name).is_file()}
    if files.style_picture is not None:
        paths["style_picture"] = files.style_picture
    found: dict[str, tuple[str, bytes]] = {}
    for key, path in paths.items():
        with guard_os_errors(path):
            found[key] = path.name, path.read_bytes()
    return found


def detach(settings: EmbedSettings, folder: Path) -> EmbedSettings:
    """The settings, with files of this machine, which are written into a folder, in place of the driver's."""
    paths: dict[str, Path] = {}
    for key, (name, data) in settings.attached.items():
        paths[key] = folder / key / name
        paths[key].parent.mkdir(parents=True, exist_ok=True)
        paths[key].write_bytes(data)
    style = paths.pop("style_picture", None)
    texts = {key: str(path) for key, path in paths.items() if key != "detector"}
    with suppress(KeyError):
        texts |= {"detector": paths["detector"]}  # type: ignore[dict-item]  # a path, unlike the others
    session = replace(settings.session, **texts)  # type: ignore[arg-type]
    return replace(settings, session=session, files=replace(settings.files, style_picture=style))
