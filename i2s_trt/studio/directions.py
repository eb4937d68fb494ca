"""Directions that the studio offers: the files in the shelf's folder `directions`."""

import re
from contextlib import suppress
from pathlib import Path

from i2s_trt.arrays import WPlus
from i2s_trt.edit.direction import read_direction
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
FOLDER = "directions"


class Directions:
    """Directions of one model, read when the studio starts.

    Args:
        folder: of the shelf; those that cannot be read, or are another model's, are left out.
        space: of the model.
    """

    def __init__(self, folder: Path, space: LatentSpace) -> None:
        self._known: dict[str, tuple[str, WPlus]] = {}
        for path in sorted((folder / FOLDER).glob("*.*")):
            with suppress(LatentError):
                if _NAME.fullmatch(path.stem):
                    self._known[path.stem] = (f"{FOLDER}/{path.name}", read_direction(path).for_space(space))

    @property
    def names(self) -> list[str]:
        """What there is."""
        return list(self._known)

    def vector(self, name: str) -> WPlus:
        """float32 [L, D]. Raises UsageError where there is none of that name."""
        return self._find(name)[1]

    def file(self, name: str) -> str:
        """Its file, seen from the shelf. Raises UsageError where there is none of that name."""
        return self._find(name)[0]

    def _find(self, name: str) -> tuple[str, WPlus]:
        if name not in self._known:
            raise UsageError(
                f"there is no direction {name[:80]}", f"lay its .npy file into the shelf's folder {FOLDER} and restart"
            )
        return self._known[name]
