"""The engine cache: plans keyed by what they are built from, with a record that is checked before a plan is used.

Plans are executable and not byte-reproducible, so a plan is never a key, and never loaded unless its sha256 is the one
in its record.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines.cuda.gpu import describe_gpu, gpu_target
from engines.profiles import BatchProfile
from engines.tensorrt.builder import Plan
from engines.tensorrt.module import load_tensorrt
from i2s_trt.files import file_digest, guard_os_errors, home, make_folder, remove_leftovers, write_bytes

_FORMAT = 1
OTHER_PLAN = "the plan is not the one that was built: its sha256 differs"
_PLAN, _RECORD, _LAYERS = "plan.engine", "engine.json", "layers.txt"


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
        tf32: whether float32 may be multiplied as TF32.
    """

    graph: str
    precision: str
    onnx_sha256: str
    backend: str
    version: str
    profile: BatchProfile
    targets: tuple[str, ...] = ()
    device: str = ""
    tf32: bool = True

    def document(self) -> dict[str, Any]:
        """The record as JSON values."""
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
    """A plan in the cache, and its record."""

    folder: Path
    record: dict[str, Any]

    @property
    def plan(self) -> Path:
        """The plan's file."""
        return self.folder / _PLAN

    @property
    def layers(self) -> Path:
        """The engine's kernels in TensorRT's words; missing where it did not report them."""
        return self.folder / _LAYERS


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
    """A folder of the cache as an entry, if plan and record agree to the last byte."""
    found = check_record(folder)
    if isinstance(found, Miss):
        return found
    try:
        digest = file_digest(found.plan)
    except OSError:
        return Miss("the plan cannot be read")
    return found if digest == found.record["plan_sha256"] else Miss(OTHER_PLAN)


def check_record(folder: Path) -> Entry | Miss:
    """A folder of the cache as an entry, if its record is sound and the plan is there in its size.

    Whoever loads the plan compares its sha256: see `engine.checked_plan`.
    """
    try:
        record = json.loads((folder / _RECORD).read_text())
        fault = _fault(folder / _PLAN, record)
    except FileNotFoundError:
        return Miss("an earlier build did not finish")
    except (OSError, ValueError, KeyError, TypeError):
        return Miss("its record is damaged")
    return Miss(fault) if fault else Entry(folder, record)


def _fault(plan: Path, record: dict[str, Any]) -> str:
    """What shows without reading a plan that it cannot be loaded; empty when nothing does."""
    if record["format"] != _FORMAT or set(record["key"]) != {field.name for field in fields(EngineKey)}:
        return "its record was written by another version of i2s-trt"
    if not plan.is_file():
        return "the plan is missing"
    if (size := plan.stat().st_size) != record["size"]:
        return f"the plan has {size} bytes instead of {record['size']}"
    return "" if isinstance(record["plan_sha256"], str) else "its record is damaged"


def find_engine(backend: str, onnx_sha256: str, gpu: int = 0) -> Entry | Miss:
    """An engine of an exported graph that runs on this GPU, whatever batches it was built for; the newest of several.

    Its plan is not read: `check_record` has what is looked at. Plans run with their builder's own version only, and on
    the GPU, or one of the targets, they were built for.

    Raises:
        EnvironmentFault: the backend's package is missing.
    """
    version, device, target = str(load_tensorrt(backend).__version__), describe_gpu(gpu), gpu_target(gpu)
    found, foreign = [], False
    for folder in all_folders():
        key = _read_key(folder)
        if (key.get("backend"), key.get("onnx_sha256")) != (backend, onnx_sha256):
            continue
        here = key.get("device") in ("", device) and (not key.get("targets") or target in key["targets"])
        if key.get("version") != version or not here:
            foreign = True
        elif isinstance(entry := check_record(folder), Entry):
            found.append(entry)
    if found:
        return max(found, key=lambda entry: entry.record["built"])
    return Miss("those built are for another version or GPU" if foreign else "not built yet")


def _read_key(folder: Path) -> dict[str, Any]:
    """The key in a record; empty when there is none."""
    try:
        key = json.loads((folder / _RECORD).read_text())["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return key if isinstance(key, dict) else {}


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
    with guard_os_errors(key.folder), FileLock(_lock_file(key.folder)):
        found = look_up(key)
        if isinstance(found, Entry):
            return found, False
        return _store(key, build()), True


def _store(key: EngineKey, plan: Plan) -> Entry:
    folder = make_folder(key.folder)
    for name in (_PLAN, _RECORD, _LAYERS):
        remove_leftovers(folder / name)
    for name in (_RECORD, _LAYERS):
        (folder / name).unlink(missing_ok=True)
    write_bytes(folder / _PLAN, plan.data)
    if plan.inspection:
        write_bytes(folder / _LAYERS, plan.inspection.encode())
    record = {
        "format": _FORMAT,
        "key": key.document(),
        "plan_sha256": hashlib.sha256(plan.data).hexdigest(),
        "size": len(plan.data),
        "inputs": [asdict(tensor) for tensor in plan.inputs],
        "outputs": [asdict(tensor) for tensor in plan.outputs],
        "layers": plan.layers,
        "activation_bytes": plan.activation_bytes,
        "parse_seconds": round(plan.parse_seconds, 3),
        "build_seconds": round(plan.build_seconds, 3),
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_bytes(folder / _RECORD, json.dumps(record, indent=2).encode())
    return Entry(folder, json.loads(json.dumps(record)))


def all_folders() -> list[Path]:
    """The folders of the cache, whole or not."""
    return sorted(path for path in engines_folder().glob("[!.]*") if path.is_dir())


def remove(folder: Path) -> int | None:
    """Delete an engine; returns the bytes freed, or None while somebody builds it.

    Raises:
        EnvironmentFault: it cannot be deleted.
    """
    from filelock import FileLock, Timeout

    with guard_os_errors(folder):
        try:
            lock = FileLock(_lock_file(folder)).acquire(timeout=0)
        except Timeout:
            return None
        with lock:
            size = sum(path.stat().st_size for path in folder.iterdir())
            shutil.rmtree(folder)
            return size


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")
