"""TensorRT's timing cache: how fast every kernel ran on this GPU, so that the next build need not measure it again.

One file a builder, version, target and GPU. It begins with the sha256 of that key and of the rest: a file that is
damaged, or of anything else, is not given to TensorRT. TensorRT-RTX has no such cache: it measures nothing when it
builds, and its calls of this name do nothing.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from i2s_trt.files import guard_os_errors, home, make_folder, remove_leftovers, write_bytes

_DIGEST = 32  # bytes of a sha256


@dataclass(frozen=True)
class TimingKey:
    """What kernel timings hold for.

    Attributes:
        backend, version: the builder.
        targets: compute capabilities it builds for.
        device: the GPU that measures.
    """

    backend: str
    version: str
    targets: tuple[str, ...] = ()
    device: str = ""

    def document(self) -> bytes:
        """The key as JSON."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @property
    def path(self) -> Path:
        """Where the timings are kept."""
        digest = hashlib.sha256(self.document()).hexdigest()[:16]
        return timings_folder() / f"{self.backend}-{self.version}-{digest}.timings"


def timings_folder() -> Path:
    """Where timing caches are kept."""
    return home() / "timings"


def timing_files() -> list[Path]:
    """Every timing cache on this machine."""
    return sorted(timings_folder().glob("*.timings"))


def load_timings(key: TimingKey) -> bytes:
    """What TensorRT serialised for this key; empty when there is nothing, or nothing to be trusted."""
    try:
        data = key.path.read_bytes()
    except OSError:
        return b""
    digest, timings = data[:_DIGEST], data[_DIGEST:]
    return timings if digest == _seal(key, timings) else b""


def use_timings(config: Any, key: TimingKey) -> bool:
    """Give a builder configuration the timings of this key, or an empty cache that it fills.

    Returns:
        Whether it took the timings of earlier builds.
    """
    timings = load_timings(key)
    if timings and (cache := config.create_timing_cache(timings)) and config.set_timing_cache(cache, False):
        return True
    config.set_timing_cache(config.create_timing_cache(b""), False)
    return False


def keep_timings(config: Any, key: TimingKey) -> None:
    """Keep what a build has measured, with what others have kept meanwhile.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    from filelock import FileLock

    make_folder(timings_folder())
    with guard_os_errors(key.path), FileLock(key.path.with_suffix(".lock")):
        remove_leftovers(key.path)
        cache = config.get_timing_cache()
        if others := load_timings(key):
            cache.combine(config.create_timing_cache(others), False)
        timings = bytes(cache.serialize())
        if timings != others:
            write_bytes(key.path, _seal(key, timings) + timings)


def _seal(key: TimingKey, timings: bytes) -> bytes:
    return hashlib.sha256(key.document() + b"\n" + timings).digest()
