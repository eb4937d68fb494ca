"""One method on every picture, in a process of its own: made ready once, then looked at while it runs."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.bench import take_device
from benchmarks.speed.quality.identity import Recogniser
from benchmarks.speed.quality.methods import Method
from benchmarks.speed.quality.ready import Ready
from benchmarks.speed.quality.stopwatch import Stopwatch
from benchmarks.speed.quality.subjects import Subject, load_subject
from benchmarks.speed.quality.yardsticks import Yardsticks
from benchmarks.speed.schema import Axis
from i2s_trt.arithmetic import Precision
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.devices import choose_device
from i2s_trt.embedding.loss.curvature import is_known
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.faces.detectors import load_detector
from i2s_trt.memory import kept_memory
from i2s_trt.models.vgg import imagenet_vgg16

_MEASURED, _KNOWN = "the model’s curvature was measured anew", "the model’s curvature was known before"


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Attributes:
        method: of embedding.
        model: name or path.
        subjects: pictures by name, as of `subject_names`.
        device: `cpu`, `cuda` or `cuda:N`.
        precision: of the steps in W+.
        seconds: for all pictures; what does not fit is left out.
        identity: file of a face recogniser; empty for none.
    """

    method: Method
    model: str
    subjects: Mapping[str, str]
    device: str = "cpu"
    precision: Precision = "fp32"
    seconds: float = float("inf")
    identity: str = ""


@dataclass(frozen=True)
class SetUp:
    """Seconds until the first picture could be embedded, the model read from disk; and what a reader must know."""

    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looks:
    """One picture's curve: `points` hold seconds of embedding, steps, and what `Yardsticks` finds, as `columns` say."""

    subject: str
    columns: tuple[Axis, ...]
    points: tuple[tuple[float, ...], ...]
    notes: tuple[str, ...] = ()


def run_method(task: Task) -> Iterator[SetUp | Looks]:
    """Make a method ready and take it through the pictures; for a process of its own.

    Raises:
        ModelError: there is no such model, it has no encoder, or the recogniser's file is none.
        ImageError: a picture cannot be read.
        EnvironmentFault: scikit-image, whose photographs are embedded, is not installed; or a loss is not finite.
    """
    take_device(task.device)
    recogniser = Recogniser(Path(task.identity)) if task.identity else None
    with kept_memory():
        ready, set_up = _make_ready(task)
        yield set_up
        detector = load_detector() if recogniser else None
        end = time.monotonic() + task.seconds
        for done, (name, picture) in enumerate(task.subjects.items()):
            subject = load_subject(name, picture, ready.embedder.generator.spec, detector)
            share = (end - time.monotonic()) / (len(task.subjects) - done)
            yield _looks(ready, subject, recogniser, share)


def _make_ready(task: Task) -> tuple[Ready, SetUp]:
    device, fast = choose_device(task.device), task.method.schedule == "fast" and task.method.looks
    with Stopwatch(device) as watch:
        generator = load_generator(task.model).to(device)
        vgg = imagenet_vgg16().to(device)
        known = is_known(generator, vgg, ObjectiveOptions())
        ready = Ready.make(task.method, generator, vgg, task.precision)
        ready.warm_up()
    return ready, SetUp(watch.seconds, ((_KNOWN if known else _MEASURED),) if fast else ())


def _looks(ready: Ready, subject: Subject, recogniser: Recogniser | None, seconds: float) -> Looks:
    compare = Yardsticks(subject, ready.embedder.vgg, recogniser)
    points: list[tuple[float, ...]] = []
    with Stopwatch(ready.embedder.device) as watch:

        def look(step: int, draw: Callable[[], Pixels]) -> None:
            with watch.paused():
                points.append((watch.seconds, float(step), *compare(draw())))

        ready.embed(subject.picture, look, time.monotonic() + seconds)
    stopped = (f"{subject.name}: stopped by the time budget",) * (len(points) < ready.method.points)
    faceless = (f"{subject.name}: no face was found, so no identity",) * bool(recogniser and subject.quad is None)
    return Looks(subject.name, ("s", "step", *compare.columns), tuple(points), (*stopped, *faceless))
