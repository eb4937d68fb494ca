"""Reads pictures behind a gate: the header is checked before a single pixel is decoded."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from i2s_trt.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "MPO")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class DecodeOptions:
    """Limits and choices of `decode`.

    Attributes:
        max_pixels: larger pictures are refused before decoding; the default admits 128 megapixels.
        background: colour that shows through transparent pixels, 0..255 each.
    """

    max_pixels: int = 128_000_000
    background: tuple[int, int, int] = _WHITE


def decode(path: Path, options: DecodeOptions | None = None) -> np.ndarray[Any, Any]:
    """A picture as upright sRGB, whatever its mode: grey, 16-bit, palette, alpha, CMYK, EXIF-rotated.

    Returns:
        uint8 [H, W, 3]. Of an animation the first frame.

    Raises:
        ImageError: missing, not a picture, truncated, or too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    options = options or DecodeOptions()
    try:
        with Image.open(path, formats=FORMATS) as picture:
            _check_size(path, picture.width * picture.height, picture.size, options.max_pixels)
            upright = ImageOps.exif_transpose(picture)
            return np.array(_to_rgb(upright, options.background))
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist", "check the name") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path} is a folder, not a picture") from error
    except Image.DecompressionBombError as error:
        raise _too_large(path, "more pixels than can be decoded safely", options.max_pixels) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS[:5])
        raise ImageError(f"{path} is not a picture in a known format", f"convert it to one of {kinds}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"{path} is truncated or damaged ({error})", "copy or export the picture again") from error


def find_pictures(folder: Path) -> list[Path]:
    """The picture files directly in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _check_size(path: Path, pixels: int, size: tuple[int, int], limit: int) -> None:
    if pixels > limit:
        raise _too_large(path, f"{size[0]} x {size[1]} pixels", limit)


def _too_large(path: Path, what: str, limit: int) -> ImageError:
    return ImageError(
        f"{path} has {what}; the limit is {limit // 1_000_000} megapixels", "scale the picture down first"
    )


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

    values = np.asarray(picture).astype(np.float64)
    top = 1.0 if picture.mode == "F" and values.max(initial=0.0) <= 1.0 else 65535.0
    return Image.fromarray(np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8))


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
    except (ImageCms.PyCMSError, OSError):
        return picture
    return converted or picture
