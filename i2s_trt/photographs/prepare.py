"""Photographs made ready for a model, with the record of how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.images.decode import decode, is_animation
from i2s_trt.images.fit import Fit, PictureShape, fit_picture
from i2s_trt.photographs.quad import Quad, fit_quad, quad_part, quad_side
from i2s_trt.photographs.record import KEY, Alignment
from i2s_trt.photographs.warp import align_quad

SMALLEST = 4  # pixels a side of a photograph, with which synthesis begins too
_ANIMATION = "the first picture of several in the file is taken; convert an animation to .mp4 to embed all of it"
_TOO_FEW = 0.5  # of the model's pixels


@dataclass(frozen=True)
class Prepared:
    """A picture that can be embedded.

    Attributes:
        pixels: uint8 [h, w, 3], of the model's picture size.
        record: goes into the latent file.
        warnings: what a user should know before minutes are spent on it.
    """

    pixels: Pixels
    record: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FaceOf:
    """One of several faces of a photograph, 1 for the largest."""

    path: Path
    number: int

    @property
    def stem(self) -> str:
        """Names its results."""
        return f"{self.path.stem}-face{self.number}"

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name


Source = Path | FaceOf
Prepare = Callable[[Source], Prepared]


def path_of(source: Source) -> Path:
    """The file."""
    return source.path if isinstance(source, FaceOf) else source


def refuse_tiny(path: Path, pixels: Pixels) -> None:
    """Refuse a photograph uint8 [H, W, 3] that is too small to show anything. Raises ImageError."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise ImageError(
            f"{path if path.name else 'the picture'} has {width} x {height} pixels, too few to show anything",
            f"take one of {SMALLEST} x {SMALLEST} pixels at least, better of as many as the model draws",
        )


def remark_animation(path: Path) -> tuple[str, ...]:
    """A warning for a file that holds more pictures than the one that is taken."""
    return (_ANIMATION,) if is_animation(path) else ()


def prepare_whole(pixels: Pixels, path: Path, shape: PictureShape, fit: Fit = "crop") -> Prepared:
    """A photograph uint8 [H, W, 3] brought to the model's proportions as it is. Raises ImageError for a tiny one."""
    refuse_tiny(path, pixels)
    quad = fit_quad((pixels.shape[0], pixels.shape[1]), shape.picture_size, fit)
    alignment = Alignment.of(fit, quad, path, pixels)
    return Prepared(fit_picture(pixels, shape, fit), {KEY: alignment.to_json()}, too_small(quad_side(quad), shape))


def prepare_square(pixels: Pixels, square: Quad, path: Path, shape: PictureShape) -> Prepared:
    """The model's part of a square that was laid on a photograph uint8 [H, W, 3], as on a face."""
    size, window = shape.resolution, shape.window
    quad = quad_part(square, window, size)
    alignment = Alignment.of("ffhq", quad, path, pixels)
    picture = align_quad(pixels, square, size)[window]
    return Prepared(picture, {KEY: alignment.to_json()}, too_small(quad_side(quad), shape))


def prepare_file(source: Source, shape: PictureShape, fit: Fit = "crop") -> Prepared:
    """Read a file and bring it to the model's proportions. Raises ImageError as `decode` does."""
    path = path_of(source)
    whole = prepare_whole(decode(path), path, shape, fit)
    return replace(whole, warnings=(*remark_animation(path), *whole.warnings))


def too_small(width: float, shape: PictureShape) -> tuple[str, ...]:
    """A warning for a picture that is `width` pixels wide in its photograph, if that is far too little."""
    wanted = shape.picture_size[1]
    if width >= _TOO_FEW * wanted:
        return ()
    return (f"only {width:.0f} pixels of the photograph make a picture of {wanted}: it will be blurred",)
