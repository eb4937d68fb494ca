"""The pictures that are embedded: photographs that scikit-image brings, or the user's own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import UsageError
from i2s_trt.faces.face import FaceDetector
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture, fit_to
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.photographs.prepare import refuse_tiny
from i2s_trt.photographs.quad import Quad, ffhq_quad
from i2s_trt.photographs.warp import align_quad

BUILT_IN = {"astronaut": "astronaut", "cat": "cat", "cup": "coffee"}
_SEEN = 256  # pixels that a picture is wide at least when a face is looked for in it
_ALIGNED, _WARPED = 256, 1024  # pixels a side
_FACE = (slice(35, 223), slice(32, 220))  # of an aligned picture of 256, as pSp's identity loss cuts it


@dataclass(frozen=True)
class Subject:
    """A picture to be embedded.

    Attributes:
        name: of the photograph.
        picture: uint8 [H, W, 3], of the model's picture size.
        quad: the aligned square around its face, in pixels of the picture; None where there is no face.
    """

    name: str
    picture: Pixels
    quad: Quad | None = None

    def face(self, picture: Pixels) -> Pixels | None:
        """The face uint8 [188, 188, 3] at this place of a picture uint8 [H, W, 3]; None where there is no face."""
        return None if self.quad is None else align_quad(picture, self.quad, _ALIGNED, _WARPED)[_FACE]


def subject_names(pictures: tuple[str, ...]) -> dict[str, str]:
    """Built-in photographs or the given files by name; all built-in ones where none is given.

    Raises:
        UsageError: a file is missing, or two have one name.
    """
    if not pictures:
        return {name: name for name in BUILT_IN}
    named = {name if (name := picture) in BUILT_IN else Path(picture).stem: picture for picture in pictures}
    for name, picture in named.items():
        if picture not in BUILT_IN and not Path(picture).is_file():
            raise UsageError(f"there is no picture {picture}", f"name a file, or one of {', '.join(BUILT_IN)}")
        if sum(Path(other).stem == name for other in pictures) > 1:
            raise UsageError(f"several pictures are named {name}", "rename one, or measure it alone")
    return named


def load_subject(name: str, picture: str, spec: GeneratorSpec, detector: FaceDetector | None) -> Subject:
    """A photograph at the model's size, its middle where the proportions differ.

    Args:
        name: of the subject.
        picture: a file, or one of `BUILT_IN`.
        spec: of the model.
        detector: finds the face; None where no face matters.

    Raises:
        ImageError: the file is no picture, or a tiny one.
        EnvironmentFault: scikit-image is not installed.
    """
    whole = example_picture(BUILT_IN[picture]) if picture in BUILT_IN else decode(Path(picture))
    refuse_tiny(Path("" if picture in BUILT_IN else picture), whole)
    quad = None if detector is None else _find_face(whole, spec, detector)
    return Subject(name, fit_picture(whole, spec), quad)


def _find_face(whole: Pixels, spec: GeneratorSpec, detector: FaceDetector) -> Quad | None:
    """The square around the largest face, in pixels of the model's picture."""
    height, width = spec.picture_size
    times = -(-_SEEN // width)  # small pictures are looked at enlarged
    faces = detector(fit_to(whole, (height * times, width * times)))
    if not faces:
        return None
    return np.asarray((ffhq_quad(faces[0].landmarks) + 0.5) / times - 0.5)
