"""How `i2s-trt embed` makes pictures of photographs and clips: faces aligned where the model draws faces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.console import Console

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.spec import GeneratorSpec
    from i2s_trt.photographs.people import AlignOptions, FacePreparer
    from i2s_trt.photographs.prepare import Source
    from i2s_trt.video.options import ClipOptions
    from i2s_trt.video.plan import FramePlan
    from i2s_trt.video.read import ClipInfo


@dataclass(frozen=True)
class FaceInput:
    """What was typed.

    Attributes:
        align: whether to align; None leaves it to the model.
        options: of the alignment.
        detector: a model file to find faces with.
    """

    align: bool | None
    options: "AlignOptions"
    detector: Path | None

    def for_model(self, model: str, generator: "Generator", console: Console) -> "Photographs":
        """Settle what is done for a model, and say so. Raises as `draws_faces` and `load_detector` do."""
        from cli.face_options import detector_from
        from i2s_trt.checkpoints.faces import draws_faces
        from i2s_trt.embedding.start.distance import typical_distance
        from i2s_trt.photographs.people import FacePreparer

        of_faces = draws_faces(model)
        typical = typical_distance(generator) if of_faces else 0.0
        if not (of_faces if self.align is None else self.align):
            return Photographs(generator.spec, self.options, None, typical)
        preparer = FacePreparer(generator.spec, detector_from(self.detector), self.options)
        console.say(f"faces:    aligned as in FFHQ; found by {preparer.detector.name}")
        console.event("faces", detector=preparer.detector.name, demanded=self.options.demanded)
        return Photographs(generator.spec, self.options, preparer, typical)


@dataclass(frozen=True)
class Photographs:
    """Photographs and clips for one model.

    Attributes:
        spec: of the model.
        options: of the alignment.
        prepare: aligns a photograph; None takes photographs as they are.
        typical_distance: of the model's own samples from its mean latent, if it draws faces; else 0.
    """

    spec: "GeneratorSpec"
    options: "AlignOptions"
    prepare: "FacePreparer | None"
    typical_distance: float

    @property
    def settings(self) -> dict[str, Any]:
        """What the plan of a clip depends on."""
        name = self.prepare.detector.name if self.prepare else ""
        given = {photo: [face.points.tolist() for face in faces] for photo, faces in self.options.landmarks.items()}
        return {"detector": name, "face": self.options.which, "fit": self.options.fit, "landmarks": given}

    def expand(self, sources: Sequence[Path]) -> "list[Source]":
        """Every face of every photograph, if all are wanted."""
        if self.prepare is None or self.options.which != "all":
            return list(sources)
        return self.prepare.expand(sources)

    def plan(self, path: Path, info: "ClipInfo", clip: "ClipOptions", report: Callable[[int], None]) -> "FramePlan":
        """What each frame of a clip shows."""
        from i2s_trt.video.plan import plan_clip

        detector = self.prepare.detector if self.prepare else None
        return plan_clip(path, info, clip.most_frames, self.spec, detector, self.options, clip.smoothing, report)
