"""Photographs of people made ready for a model of faces: found, aligned, and warned about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import I2sError, ImageError
from i2s_trt.faces.detectors import load_detector
from i2s_trt.faces.face import WAY_OUT, Face, FaceDetector, Which, choose_faces, largest_first
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import Fit, PictureShape, fit_picture
from i2s_trt.photographs.prepare import (
    FaceOf,
    Prepared,
    Source,
    path_of,
    prepare_file,
    prepare_square,
    prepare_whole,
    refuse_tiny,
    remark_animation,
    too_small,
)
from i2s_trt.photographs.quad import ffhq_quad, fit_quad, is_whole, quad_side
from i2s_trt.photographs.record import KEY, Alignment, read_alignment

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
_ALIGNED = 0.06  # share of its side by which the quad of an aligned picture may differ from the picture
_NO_FACE = (
    "no face was found, so the picture is embedded as it is: a model of faces can come near other things, but edits of "
    "the face do little to them (if there is a face, say where with --landmarks)"
)


@dataclass(frozen=True)
class AlignOptions:
    """How faces are dealt with.

    Attributes:
        demanded: a photograph without a face is an error; otherwise it is taken as it is, with a warning.
        which: of several faces.
        landmarks: by the photograph's file name, `*` for any; where given, nothing is searched for.
        fit: for what is taken as it is.
        warn_small: whether a face of few pixels is worth a warning.
    """

    demanded: bool = False
    which: Which = "largest"
    landmarks: Mapping[str, Sequence[Landmarks]] = field(default_factory=dict)
    fit: Fit = "crop"
    warn_small: bool = True


class FacePreparer:
    """Makes pictures of faces; a `Prepare` for `EmbedJob`.

    Args:
        shape: of the model's pictures.
        detector: finds faces.
        options: see `AlignOptions`.
    """

    def __init__(self, shape: PictureShape, detector: FaceDetector, options: AlignOptions | None = None) -> None:
        self._shape, self.detector, self._options = shape, detector, options or AlignOptions()

    def __call__(self, source: Source) -> Prepared:
        """Read a photograph and cut the face out.

        Raises:
            ImageError: it cannot be read, or no face was found where one is demanded.
        """
        path = path_of(source)
        pixels = decode(path)
        stored = read_alignment(path)
        if stored is not None:  # `i2s-trt align` made it
            warnings = too_small(quad_side(stored.quad), self._shape) if self._options.warn_small else ()
            return Prepared(fit_picture(pixels, self._shape, self._options.fit), {KEY: stored.to_json()}, warnings)
        which = source.number if isinstance(source, FaceOf) else self._options.which
        prepared = self.prepare(pixels, path, which)
        return replace(prepared, warnings=(*remark_animation(path), *prepared.warnings))

    def prepare(self, pixels: Pixels, path: Path, which: Which) -> Prepared:
        """Cut a face out of a photograph uint8 [H, W, 3] that came from `path`. Raises ImageError as a call does."""
        found = self.faces(path, pixels)
        if not found and not self._options.demanded:
            whole = prepare_whole(pixels, path, self._shape, self._options.fit)
            return Prepared(whole.pixels, whole.record, (*whole.warnings, _NO_FACE))
        face = _choose(path, found, which)
        if not self._options.demanded and is_whole(ffhq_quad(face.landmarks), pixels.shape[:2], _ALIGNED):
            return self._reuse_alignment(path, pixels)
        return self._align(path, pixels, face, len(found))

    def expand(self, sources: Sequence[Path]) -> list[Source]:
        """Every face of every photograph; files that cannot be read are kept, to fail where they are reported."""
        expanded: list[Source] = []
        for path in sources:
            try:
                count = 1 if read_alignment(path) else len(self.faces(path, decode(path)))
            except I2sError:
                count = 1
            expanded += [path] if count < 2 else [FaceOf(path, number) for number in range(1, count + 1)]
        return expanded

    def faces(self, path: Path, pixels: Pixels) -> list[Face]:
        """The faces of a photograph uint8 [H, W, 3], the largest first: those given, else those found.

        Raises:
            ImageError: the photograph is too small to show any.
        """
        refuse_tiny(path, pixels)
        given = self._options.landmarks.get(path.name, self._options.landmarks.get("*"))
        if given is None:
            return self.detector(pixels, every=self._options.which != "largest")
        return largest_first([Face(landmarks) for landmarks in given])

    def _align(self, path: Path, pixels: Pixels, face: Face, count: int) -> Prepared:
        found = prepare_square(pixels, ffhq_quad(face.landmarks), path, self._shape)
        record = {KEY: {**found.record[KEY], "landmarks": np.round(face.landmarks.points, 3).tolist()}}
        warnings = found.warnings if self._options.warn_small else ()
        if count > 1 and self._options.which == "largest":
            warnings += (f"the largest of {count} faces is taken; --face all takes each, --face 2 the second",)
        return Prepared(found.pixels, record, warnings)

    def _reuse_alignment(self, path: Path, pixels: Pixels) -> Prepared:
        """A picture that is an aligned face already is not cut again."""
        quad = fit_quad((pixels.shape[0], pixels.shape[1]), self._shape.picture_size)
        picture = fit_picture(pixels, self._shape)
        return Prepared(picture, {KEY: Alignment.of("ffhq", quad, path, pixels).to_json()})


def prepare_picture(
    picture: Path | Pixels,
    generator: "Generator",
    *,
    align: bool | None = None,
    options: AlignOptions | None = None,
    detector: FaceDetector | None = None,
) -> Prepared:
    """A photograph as `i2s-trt embed` makes it ready: its face aligned if the model draws faces, and fitted.

    Args:
        picture: a file, or uint8 [H, W, 3].
        generator: the model that it is for.
        align: whether to look for faces; None leaves it to the model (`Generator.draws_faces`).
        options: of the alignment; their `which` is `largest` or a number.
        detector: finds faces; the built-in one when left out.

    Returns:
        `pixels` for `embed`, a `record` for the latent's `extra` that leads back into the photograph, and `warnings`.

    Raises:
        ImageError: the file cannot be read, or no face was found where one is demanded.
    """
    options = options or AlignOptions()
    if not (generator.draws_faces if align is None else align):
        if isinstance(picture, Path):
            return prepare_file(picture, generator.spec, options.fit)
        return prepare_whole(picture, Path(), generator.spec, options.fit)
    preparer = FacePreparer(generator.spec, detector or load_detector(), options)
    return preparer(picture) if isinstance(picture, Path) else preparer.prepare(picture, Path(), options.which)


def _choose(path: Path, found: Sequence[Face], which: Which) -> Face:
    try:
        return choose_faces(found, which)[0]
    except ImageError as error:
        raise ImageError(f"{path}: {error.args[0]}", error.hint or WAY_OUT) from error
