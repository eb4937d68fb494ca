"""Reads pictures behind a gate: the header is checked before a single pixel is decoded."""

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.images.png import lacks_rows

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")
_WHITE = (255, 255, 255)
_ORIENTATION = 0x0112  # the EXIF tag
_FLOAT_WHITES = (1.0, 255.0, 65535.0)


@dataclass(frozen=True)
class DecodeOptions:
    """Limits and choices of `decode`.

    Attributes:
        max_pixels: larger pictures are refused before decoding; the default admits 128 megapixels.
        background: colour that shows through transparent pixels, 0..255 each.
    """

    max_pixels: int = 128_000_000
    background: tuple[int, int, int] = _WHITE


def decode(path: Path, options: DecodeOptions | None = None) -> Pixels:
    """A picture as upright sRGB, whatever its mode: grey, 16-bit, palette, alpha, CMYK, EXIF-rotated.

    Returns:
        uint8 [H, W, 3]. Of an animation the first frame.

    Raises:
        ImageError: missing, not a picture, truncated, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    options = options or DecodeOptions()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on metadata, and on sizes below our own limit
            with Image.open(path, formats=FORMATS) as picture:
                _check_size(path, picture.size, options.max_pixels)
                picture.load()
                if picture.format == "PNG" and lacks_rows(path):
                    raise ValueError("rows are missing")
                return np.array(_to_rgb(_turn_upright(picture), options.background))
    except (ImageError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist", "check the name") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path} is a folder, not a picture", "name a picture file") from error
    except Image.DecompressionBombError as error:
        raise _too_large(path, "more pixels than can be decoded safely", options.max_pixels) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS[:5])
        raise ImageError(f"{path} is not a picture in a known format", f"convert it to one of {kinds}") from error
    except Exception as error:  # a damaged file can raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(
                f"{path} cannot be read: {error.strerror}", "check the name and who may read it"
            ) from error
        raise ImageError(f"{path} is truncated or damaged ({error})", "copy or export the picture again") from error


def is_animation(path: Path) -> bool:
    """Whether a file holds more pictures than the first, which `decode` takes; False for what cannot be read.

    The previews and depth maps that telephones put behind a JPEG do not count.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_ANIMATED) as picture:
                return bool(getattr(picture, "is_animated", False))
    except Exception:  # what is damaged is reported where the pixels are read
        return False


def find_pictures(folder: Path) -> list[Path]:
    """The picture files directly in a folder, by name; hidden ones are left out.

    Raises:
        ImageError: the folder cannot be read.
    """
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise ImageError(f"{folder} cannot be read: {error.strerror}", "check who may read the folder") from error
    return sorted(path for path in files if not path.name.startswith("."))


def _check_size(path: Path, size: tuple[int, int], limit: int) -> None:
    if size[0] * size[1] > limit:
        raise _too_large(path, f"{size[0]} x {size[1]} pixels", limit)


def _too_large(path: Path, what: str, limit: int) -> ImageError:
    return ImageError(f"{path} has {what}; the limit is {limit / 1e6:g} megapixels", "scale the picture down first")


def _turn_upright(picture: "Image") -> "Image":
    """Turned and mirrored as EXIF says (ImageOps does the same, but fails on damaged metadata)."""
    from PIL.Image import Transpose

    turns = [
        Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM, Transpose.TRANSPOSE,
        Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    ]  # fmt: skip
    try:
        orientation = int(picture.getexif().get(_ORIENTATION) or 1)
    except Exception:  # whatever is wrong in the metadata, the pixels are fine
        return picture
    if orientation not in range(2, 9):
        return picture
    turned = picture.transpose(turns[orientation - 2])
    turned.info = dict(picture.info)  # the colour profile and the transparent colour
    return turned


def _to_rgb(picture: "Image", background: tuple[int, int, int]) -> "Image":
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture).convert("RGB")
    picture = _to_srgb(picture)
    if picture.has_transparency_data:
        flat = Image.new("RGBA", picture.size, (*background, 255))
        return Image.alpha_composite(flat, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _from_deep_grey(picture: "Image") -> "Image":
    """16-bit and 32-bit grey to 8 bits; Pillow's own conversion would clip instead of scale."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(picture).astype(np.float32))
    whites = _FLOAT_WHITES if picture.mode == "F" else _FLOAT_WHITES[-1:]
    white = next((white for white in whites if values.max() <= white), whites[-1])
    return Image.fromarray(np.clip(np.rint(values * np.float32(255 / white)), 0, 255).astype(np.uint8))


def _to_srgb(picture: "Image") -> "Image":
    """Wide-gamut photographs (telephones tag theirs Display P3) to sRGB; a damaged profile is ignored."""
    from PIL import ImageCms

    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return converted or picture
