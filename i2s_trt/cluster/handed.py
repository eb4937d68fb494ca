"""Files of a result on their way from a worker to the driver, with digests, since disks and networks are in between."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from i2s_trt.errors import EnvironmentFault


@dataclass(frozen=True)
class HandedFile:
    """A file of a result.

    Attributes:
        name: within the folder.
        sha256: of its bytes, in hexadecimal.
        data: the bytes; None when they are in the worker's folder.
    """

    name: str
    sha256: str
    data: bytes | None = field(default=None, repr=False)


def hand_over(paths: Sequence[Path], *, gives_back: bool) -> list[HandedFile]:
    """What the driver hears of files: with `gives_back` their bytes, and they are removed here. Raises OSError."""
    handed = []
    for path in paths:
        data = path.read_bytes()
        handed.append(HandedFile(path.name, hashlib.sha256(data).hexdigest(), data if gives_back else None))
        if gives_back:
            path.unlink()
    return handed


def refuse_damaged(name: Path | str, data: bytes, sha256: str) -> None:
    """Refuse bytes that are not those that a worker had. Raises EnvironmentFault."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EnvironmentFault(
            f"{name} is not what its worker has made: it was damaged on its way",
            "check the shared disk or the network, and run the same command again with --resume",
        )
