"""What an embedding runs with, put together in one place: for the commands, and whatever else embeds photographs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from i2s_trt.arithmetic import PRECISIONS
from i2s_trt.arrays import WPlus
from i2s_trt.checkpoints.encoders import PictureEncoder
from i2s_trt.checkpoints.faces import draws_faces
from i2s_trt.checkpoints.features import load_features
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.devices import choose_device
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.curvature import is_known, passes_to_measure
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.run.job import EmbedJob, Report
from i2s_trt.embedding.run.measure import choose_precision
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.start.distance import typical_distance
from i2s_trt.embedding.start.point import starting_point
from i2s_trt.errors import UsageError
from i2s_trt.faces.detectors import load_detector
from i2s_trt.models.generator import Generator
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.people import AlignOptions, FacePreparer
from i2s_trt.photographs.prepare import Source
from i2s_trt.video.job import ClipJob
from i2s_trt.video.options import ClipOptions
from i2s_trt.video.plan import FramePlan, plan_clip
from i2s_trt.video.read import ClipInfo

AUTO = "auto"


@dataclass(frozen=True)
class SessionOptions:
    """What to embed with, in the words of a user.

    Attributes:
        model: name in the store, or path.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        features: `imagenet`, `random`, `torchvision` or a file.
        precision: of the networks; `auto` measures which is the fastest.
        init: `mean`, `random`, `encoder` or a latent file.
        embed: everything else about the embedding.
        align: whether faces are aligned; None leaves it to the model.
        faces: how.
        detector: a model file to find them with; None for the built-in one.
    """

    model: str = "demo"
    device: str = AUTO
    features: str = "imagenet"
    precision: str = "fp32"
    init: str = "mean"
    embed: EmbedOptions = field(default_factory=EmbedOptions)
    align: bool | None = None
    faces: AlignOptions = field(default_factory=AlignOptions)
    detector: Path | None = None


@dataclass(frozen=True)
class SessionEvent:
    """Something that was settled while a session opened.

    Attributes:
        kind: `model`, `features`, `input_scale`, `precision`, `schedule` or `faces`.
        data: JSON values.
    """

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Photographs:
    """Photographs and clips as a model wants them.

    Attributes:
        spec: of the model.
        options: of the alignment.
        prepare: aligns a photograph; None takes photographs as they are.
        typical_distance: of the model's own samples from its mean latent, if it draws faces; else 0.
    """

    spec: GeneratorSpec
    options: AlignOptions
    prepare: FacePreparer | None
    typical_distance: float

    @property
    def settings(self) -> dict[str, Any]:
        """What the plan of a clip depends on."""
        name = self.prepare.detector.name if self.prepare else ""
        given = {photo: [face.points.tolist() for face in faces] for photo, faces in self.options.landmarks.items()}
        return {"detector": name, "face": self.options.which, "fit": self.options.fit, "landmarks": given}

    def expand(self, sources: Sequence[Path]) -> list[Source]:
        """Every face of every photograph, if all are wanted."""
        if self.prepare is None or self.options.which != "all":
            return list(sources)
        return self.prepare.expand(sources)

    def plan(self, path: Path, info: ClipInfo, clip: ClipOptions, report: Callable[[int], None]) -> FramePlan:
        """What each frame of a clip shows."""
        detector = self.prepare.detector if self.prepare else None
        return plan_clip(path, info, clip.most_frames, self.spec, detector, self.options, clip.smoothing, report)


@dataclass(frozen=True)
class Session:
    """A model, its features and settled options, ready to embed.

    Attributes:
        generator: on the device.
        vgg: feature network.
        options: of the embedding, with precision and start settled.
        initial: w_plus to start from, or the encoder; None for the mean or a random latent.
        photographs: how photographs become pictures.
    """

    generator: Generator
    vgg: Vgg16
    options: EmbedOptions
    initial: WPlus | PictureEncoder | None
    photographs: Photographs

    def embedder(self) -> Embedder:
        """An embedder for pictures that are in memory."""
        return Embedder(self.generator, self.options, self.vgg)

    def pictures(
        self, folder: Path, files: JobOptions, report: Report, should_stop: Callable[[], bool] = lambda: False
    ) -> EmbedJob:
        """A job for picture files; arguments as for `EmbedJob`."""
        files = replace(files, initial=self.initial)
        prepare = self.photographs.prepare
        return EmbedJob(self.generator, self.vgg, self.options, files, folder, report, should_stop, prepare)

    def clips(self, clip: ClipOptions, report: Report, should_stop: Callable[[], bool] = lambda: False) -> ClipJob:
        """A job for clips; arguments as for `ClipJob`."""
        plan, settings = self.photographs.plan, self.photographs.settings
        return ClipJob(
            self.generator, self.vgg, self.options, clip, plan, settings, report, should_stop, self.initial
        )  # fmt: skip


def open_session(options: SessionOptions, report: Callable[[SessionEvent], None] = lambda _event: None) -> Session:
    """Load what the options name and settle what they leave open; `report` is called for each thing at once.

    Raises:
        UsageError: a choice does not exist.
        ModelError: there is no such model.
        LatentError: the latent to start from is of another model.
        EnvironmentFault: there is no such device, or what came with the program is damaged.
    """
    device = choose_device(options.device)
    generator = load_generator(options.model).to(device)
    height, width = generator.spec.picture_size
    about = {"digest": generator.digest, "resolution": generator.resolution, "device": str(device)}
    shape = {"width": width, "height": height, "layers": generator.num_layers}
    report(SessionEvent("model", {"name": options.model, **about, **shape}))
    vgg = load_features(options.features)
    report(features_event(vgg))
    _note_input_scale(vgg, options.embed, report)
    start = starting_point(options.init, generator)
    settled = replace(options.embed, init=start.init, init_digest=start.digest)
    settled = _in_precision(options.precision, generator, vgg, settled, report)
    if settled.schedule == "fast":
        report(schedule_event(generator, vgg, settled))
    return Session(generator, vgg, settled, start.initial, open_photographs(options, generator, report))


def features_event(vgg: Vgg16) -> SessionEvent:
    """Which features are compared."""
    return SessionEvent("features", {"name": vgg.source.name, "digest": vgg.source.digest})


def schedule_event(generator: Generator, vgg: Vgg16, options: EmbedOptions) -> SessionEvent:
    """The schedule, and why nothing seems to happen when a model is embedded fast for the first time."""
    known = is_known(generator, vgg, options.objective)
    passes = 0 if known else passes_to_measure()
    curvature = "known" if known else "to be measured"
    data = {"name": options.schedule, "curvature": curvature, "steps": options.steps, "passes": passes}
    return SessionEvent("schedule", data)


def _note_input_scale(vgg: Vgg16, options: EmbedOptions, report: Callable[[SessionEvent], None]) -> None:
    """Say so where features see pictures in another range than they were trained for."""
    objective, expected = options.objective, vgg.source.input_scale
    if expected in ("", objective.input_scale) or not (any(objective.layer_weights.values()) or objective.style_weight):
        return
    report(SessionEvent("input_scale", {"given": objective.input_scale, "expected": expected}))


def _in_precision(
    name: str, generator: Generator, vgg: Vgg16, options: EmbedOptions, report: Callable[[SessionEvent], None]
) -> EmbedOptions:
    """The options in the precision `name`; `auto` measures."""
    if name not in (AUTO, *PRECISIONS):
        raise UsageError(f"--precision {name!r} is not one of {', '.join((AUTO, *PRECISIONS))}")
    if name != AUTO:
        report(SessionEvent("precision", {"precision": name, "chosen": "by name"}))
        return replace(options, precision=name)  # type: ignore[arg-type]  # one of them
    choice = choose_precision(generator, vgg, options)
    data = {"precision": choice.precision, "chosen": "by measurement", "seconds": dict(choice.seconds)}
    report(SessionEvent("precision", {**data, "unmeasured": choice.unmeasured}))
    return replace(options, precision=choice.precision)


def open_photographs(
    options: SessionOptions, generator: Generator, report: Callable[[SessionEvent], None] = lambda _event: None
) -> Photographs:
    """What photographs become for a model; its part of `open_session`, for whoever embeds elsewhere."""
    of_faces = draws_faces(options.model)
    typical = typical_distance(generator) if of_faces else 0.0
    if not (of_faces if options.align is None else options.align):
        return Photographs(generator.spec, options.faces, None, typical)
    preparer = FacePreparer(generator.spec, load_detector(options.detector), options.faces)
    report(SessionEvent("faces", {"detector": preparer.detector.name, "demanded": options.faces.demanded}))
    return Photographs(generator.spec, options.faces, preparer, typical)
