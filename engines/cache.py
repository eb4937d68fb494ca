"""The engine cache: plans keyed by what they are built from, with a record that is checked before a plan is used.

Plans are executable and not byte-reproducible, so a plan is never a key, and never loaded unless its sha256 is the one
in its record.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines.builder import Plan
from engines.profiles import BatchProfile
from i2s_trt.files import file_digest, guard_os_errors, home, make_folder, remove_leftovers, write_bytes

_FORMAT = 1
_PLAN, _RECORD = "plan.engine", "engine.json"


@dataclass(frozen=True)
class EngineKey:
    """Everything that determines an engine.

    Attributes:
        graph, precision: of the ONNX file.
        onnx_sha256: of its bytes.
        backend, version: the builder.
        profile: batch sizes.
        targets: compute capabilities it is built for.
        device: the GPU it is built on, with capability and driver; empty where targets say enough.
    """

    graph: str
    precision: str
    onnx_sha256: str
    backend: str
    version: str
    profile: BatchProfile
    targets: tuple[str, ...] = ()
    device: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    def digest(self) -> str:
        """The name of its folder in the cache."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()[:24]

    @property
    def folder(self) -> Path:
        """Where the plan and its record are kept."""
        return engines_folder() / self.digest()


@dataclass(frozen=True)
class Entry:
    """A plan in the cache, checked against its record."""

    folder: Path
    record: dict[str, Any]

    @property
    def plan(self) -> Path:
        """The plan's file."""
        return self.folder / _PLAN


@dataclass(frozen=True)
class Miss:
    """Why there is nothing to load."""

    reason: str


def engines_folder() -> Path:
    """Where engines are kept."""
    return home() / "engines"


def look_up(key: EngineKey) -> Entry | Miss:
    """The engine of a key, with its plan's sha256 compared; or why there is none."""
    if not key.folder.is_dir():
        return Miss("not built yet")
    found = check(key.folder)
    if isinstance(found, Entry) and found.record["key"] != key.document():
        return Miss("its record belongs to another engine")
    return found


def check(folder: Path) -> Entry | Miss:
    """A folder of the cache as an entry, if plan and record agree."""
    try:
        record = json.loads((folder / _RECORD).read_text())
        fault = _fault(folder / _PLAN, record)
    except FileNotFoundError:
        return Miss("an earlier build did not finish")
    except (OSError, ValueError, KeyError, TypeError):
        return Miss("its record is damaged")
    return Miss(fault) if fault else Entry(folder, record)


def _fault(plan: Path, record: dict[str, Any]) -> str:
    """What keeps a plan from being loaded; empty when nothing does."""
    if record["format"] != _FORMAT or not isinstance(record["key"], dict):
        return "its record was written by another version of i2s-trt"
    if not plan.is_file():
        return "the plan is missing"
    if (size := plan.stat().st_size) != record["size"]:
        return f"the plan has {size} bytes instead of {record['size']}"
    if file_digest(plan) != record["plan_sha256"]:
        return "the plan is not the one that was built: its sha256 differs"
    return ""


def find_engine(backend: str, onnx_sha256: str) -> Entry | Miss:
    """A usable engine of an exported graph, whatever it was built for; the newest of several."""
    found = [check(folder) for folder in all_folders()]
    made_from = [
        entry
        for entry in found
        if isinstance(entry, Entry)
        and (entry.record["key"]["backend"], entry.record["key"]["onnx_sha256"]) == (backend, onnx_sha256)
    ]
    return max(made_from, key=lambda entry: entry.record["built"]) if made_from else Miss("not built yet")


def build_once(key: EngineKey, build: Callable[[], Plan]) -> tuple[Entry, bool]:
    """The engine of a key, built if need be; of several builders of one key, one builds and the others wait.

    Returns:
        The entry, and whether this call built it.

    Raises:
        EngineError: from `build`; nothing is kept then.
        EnvironmentFault: the cache cannot be written.
    """
    from filelock import FileLock

    make_folder(engines_folder())
    with guard_os_errors(key.folder), FileLock(engines_folder() / f".{key.digest()}.lock"):
        found = look_up(key)
        if isinstance(found, Entry):
            return found, False
        return _store(key, build()), True


def _store(key: EngineKey, plan: Plan) -> Entry:
    folder = make_folder(key.folder)
    for name in (_PLAN, _RECORD):
        remove_leftovers(folder / name)
    (folder / _RECORD).unlink(missing_ok=True)
    write_bytes(folder / _PLAN, plan.data)
    record = {
        "format": _FORMAT,
        "key": key.document(),
        "plan_sha256": hashlib.sha256(plan.data).hexdigest(),
        "size": len(plan.data),
        "inputs": [asdict(tensor) for tensor in plan.inputs],
        "outputs": [asdict(tensor) for tensor in plan.outputs],
        "layers": plan.layers,
        "parse_seconds": round(plan.parse_seconds, 3),
        "build_seconds": round(plan.build_seconds, 3),
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_bytes(folder / _RECORD, json.dumps(record, indent=2).encode())
    return Entry(folder, json.loads(json.dumps(record)))


def all_folders() -> list[Path]:
    """The folders of the cache, whole or not."""
    return sorted(path for path in engines_folder().glob("[!.]*") if path.is_dir())


def remove(folder: Path) -> int:
    """Delete an engine; returns the bytes freed. Raises EnvironmentFault when it cannot be deleted."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    with guard_os_errors(folder):
        shutil.rmtree(folder)
    return size
