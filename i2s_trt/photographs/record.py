"""The record of how a picture was cut from a photograph, kept with latents and aligned pictures for the way back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError, LatentError
from i2s_trt.files import write_bytes
from i2s_trt.images.fit import picture_digest
from i2s_trt.photographs.quad import Quad

Kind = Literal["ffhq", "crop", "pad"]
KEY = "alignment"  # in the record of a latent
_CHUNK = "i2s-trt alignment"  # of a PNG
_LONGEST = 10_000  # characters
_KINDS = ("ffhq", "crop", "pad")


@dataclass(frozen=True)
class Alignment:
    """Where a picture lies in its photograph.

    Attributes:
        kind: `ffhq` for an aligned face, else how the photograph was fitted: `crop` or `pad`.
        quad: float64 [4, 2], see `photographs.quad`.
        photograph: its file name.
        size: its height and width, upright.
        digest: of its upright pixels.
    """

    kind: Kind
    quad: Quad
    photograph: str
    size: tuple[int, int]
    digest: str

    @classmethod
    def of(cls, kind: Kind, quad: Quad, path: Path, pixels: Pixels) -> Self:
        """The record for a photograph uint8 [H, W, 3] that was read from `path`."""
        return cls(kind, quad, path.name, pixels.shape[:2], picture_digest(pixels))

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "quad": np.round(self.quad, 4).tolist(), "size": list(self.size)}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """What `to_json` wrote. Raises ValueError for anything else."""
        quad = np.array(data["quad"], np.float64)
        size = tuple(int(side) for side in data["size"])
        texts = data["kind"], data["photograph"], data["digest"]
        fine = quad.shape == (4, 2) and np.isfinite(quad).all() and len(size) == 2 and min(size) > 0
        across, down = quad[3] - quad[0], quad[1] - quad[0]
        if not fine or abs(across[0] * down[1] - across[1] * down[0]) < 1 or texts[0] not in _KINDS:
            raise ValueError("no quad")
        return cls(texts[0], quad, str(texts[1]), (size[0], size[1]), str(texts[2]))


def alignment_of(record: Mapping[str, Any]) -> Alignment | None:
    """The alignment in the record of a latent (`Latent.extra`); None when there is none, or a damaged one."""
    try:
        return Alignment.from_json(record[KEY])
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def write_aligned(path: Path, pixels: Pixels, alignment: Alignment) -> None:
    """Write uint8 [H, W, 3] as a PNG that knows where it comes from. Raises EnvironmentFault for a full disk."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text(_CHUNK, json.dumps(alignment.to_json()))
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=text, compress_level=4)
    write_bytes(path, buffer.getvalue())


def read_alignment(path: Path) -> Alignment | None:
    """The alignment in a PNG that `write_aligned` wrote; None for any other picture, whatever is wrong with it."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            text = picture.info.get(_CHUNK)
        return Alignment.from_json(json.loads(text)) if text and len(text) < _LONGEST else None
    except Exception:  # what is damaged here is reported where the pixels are read
        return None


def find_alignment(path: Path) -> Alignment:
    """The alignment in a latent file, an aligned PNG or a JSON file of `Alignment.to_json`.

    Raises:
        ImageError, LatentError: the file cannot be read, or holds none.
    """
    hint = "name a latent of i2s-trt embed, or a PNG of i2s-trt align"
    if path.suffix.lower() == ".safetensors":
        from i2s_trt.latents import read_latent

        found = alignment_of(read_latent(path).extra)
        if found is None:
            raise LatentError(f"{path} does not say where in a photograph its picture lies", hint)
        return found
    if path.suffix.lower() == ".json":
        try:
            return Alignment.from_json(json.loads(path.read_text()))
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}", "check the name") from error
        except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
            raise ImageError(f"{path} is not the record of an alignment ({error})", hint) from error
    found = read_alignment(path)
    if found is None:
        raise ImageError(f"{path} does not say where in a photograph it lies", hint)
    return found
