"""A worker's side of editing: latents to pictures to bytes."""

import hashlib
import queue
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from i2s_trt.arrays import Pixels
from i2s_trt.batch.disk import write_synced
from i2s_trt.batch.output_folder import UnusableName, explain_output_error
from i2s_trt.cluster.faults import failed
from i2s_trt.cluster.tasks import Answer, Bench, Done, Failed, Hello, Outcome, Task, in_groups
from i2s_trt.edit.render import render_tuned
from i2s_trt.errors import I2sError
from i2s_trt.images.encode import encoder
from i2s_trt.memory import give_back_memory, memory_ran_out

if TYPE_CHECKING:
    from i2s_trt.synthesizer import Synthesizer


@dataclass(frozen=True)
class RenderSettings:
    """How pictures are made.

    Attributes:
        engine, precision, device: as in `engines.open.open_model`.
        batch: latents at a time; 0 for what suits the engine.
        picture_format, quality: as `encode.encoder` takes them.
        cores: of each worker.
    """

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    batch: int = 0
    picture_format: str = "png"
    quality: int = 92
    cores: int = 1


@dataclass(frozen=True)
class Rendered:
    """An output that was made.

    Attributes:
        size: in bytes.
        sha256: of them.
        engine, threads: that rendered it, as in `Commit`.
        data: the bytes; None when they are in the worker's folder.
    """

    size: int
    sha256: str
    engine: str
    threads: int
    data: bytes | None


class RenderWorkshop:
    """Renders, encodes and writes; see `Workshop`. A task's payload is a `TunedLatent`.

    Args:
        synthesizers: one for each group that may render at a time; one more group is encoded meanwhile.
        settings: of the pictures.
        bench: the worker's place.
        hello: what it is; it may take more tasks than it renders at a time, so that fewer calls come and go.
        batch: latents rendered at a time; as many as it takes if left out.
    """

    def __init__(
        self,
        synthesizers: "Sequence[Synthesizer]",
        settings: RenderSettings,
        bench: Bench,
        hello: Hello,
        batch: int = 0,
    ) -> None:
        self.hello, self.progress = hello, 0
        self._folder, self._batch, self._takes = bench.folder, batch or hello.batch, hello.batch
        self._encode = encoder(settings.picture_format, settings.quality)
        self._idle: queue.SimpleQueue[Synthesizer] = queue.SimpleQueue()
        for synthesizer in synthesizers:
            self._idle.put(synthesizer)

    def work(self, tasks: Sequence[Task]) -> Answer:
        """Render some tasks, fewer at a time than they are if the device had too little memory for as many before."""
        outcomes = in_groups(tasks, lambda: self._batch, self._group)
        return Answer(outcomes, self._takes)

    def news(self) -> Mapping[str, bytes]:
        """None: a picture is there or is not."""
        return {}

    def stop(self) -> None:
        """Groups take less than a second; they are finished."""

    def _group(self, tasks: Sequence[Task]) -> list[Outcome]:
        self.progress += 1
        try:
            pictures = self._render(tasks)
        except Exception as error:
            if not (memory := memory_ran_out(error)) and not isinstance(error, I2sError):
                raise
            if len(tasks) > 1:  # less memory will do, or the others may be fine
                half = len(tasks) // 2 if memory else 1
                if memory:
                    self._batch = self._takes = min(self._batch, half)
                give_back_memory()
                return [
                    outcome
                    for start in range(0, len(tasks), half)
                    for outcome in self._group(tasks[start : start + half])
                ]
            if isinstance(error, I2sError):
                return [failed(tasks[0], error, shared=False)]
            return [Failed(tasks[0].name, "there is too little memory for a single picture", "", "memory")]
        return [self._finish(task, pixels) for task, pixels in zip(tasks, pictures, strict=True)]

    def _render(self, tasks: Sequence[Task]) -> list[Pixels]:
        synthesizer = self._idle.get()
        try:
            return list(render_tuned(synthesizer, [task.payload for task in tasks], len(tasks)))
        finally:
            self._idle.put(synthesizer)

    def _finish(self, task: Task, pixels: Pixels) -> Outcome:
        data = self._encode(pixels)
        given = data if self._folder is None else None
        digest, hello = hashlib.sha256(data).hexdigest(), self.hello
        done = Done(task.name, Rendered(len(data), digest, hello.engine, hello.cpu_threads, given))
        return done if self._folder is None else self._write(self._folder / task.name, data) or done

    def _write(self, path: Path, data: bytes) -> Failed | None:
        try:
            write_synced(path, data)
        except OSError as error:
            fault = explain_output_error(path.parents[2] / path.name, error)  # by the name that it would get
            if isinstance(fault, UnusableName):
                return Failed(path.name, str(fault))
            return Failed(path.name, fault.args[0], fault.hint, "disk")
        return None
