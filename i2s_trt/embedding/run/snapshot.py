"""Snapshots of a running embedding, so that a killed run goes on where it was."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save

from i2s_trt.devices import cpu_threads
from i2s_trt.embedding.embed import EmbedProgress
from i2s_trt.embedding.run.key import RunKey
from i2s_trt.embedding.steps.lbfgs import QuasiNewtonState
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.files import write_bytes

_FORMAT = "i2s-trt snapshot 2"
_WAIT_PER_COST = 50  # which leaves snapshots a fiftieth of the time at most


@dataclass(frozen=True)
class Snapshot:
    """One image's state.

    Attributes:
        state: to go on from.
        seconds: spent on it so far.
        threads: of the CPU where it was saved; 0 on a GPU, and where that is not known. Found when it is read.
    """

    state: EmbedState
    seconds: float
    threads: int = 0


def save_snapshot(path: Path, key: RunKey, snapshot: Snapshot) -> None:
    """Write one image's snapshot, atomically. Raises EnvironmentFault for a full disk."""
    tensors = {field.name: getattr(snapshot.state, field.name).contiguous() for field in fields(snapshot.state)}
    document = json.dumps(
        {**asdict(key), "seconds": snapshot.seconds, "threads": cpu_threads(tensors["history"].device)}
    )
    write_bytes(path, save(tensors, {"format": _FORMAT, "run": document}))


def load_snapshot(path: Path, key: RunKey) -> Snapshot | None:
    """The snapshot of this very run; None when there is none, or one of another run, or a damaged one."""
    found = _read(path)
    return found[1] if found and found[0] == key else None


def snapshot_key(path: Path) -> RunKey | None:
    """Which run a snapshot is of; None when there is none, or a damaged one."""
    found = _read(path)
    return found[0] if found else None


def snapshot_step(path: Path) -> int:
    """The steps that were done when a snapshot was saved; -1 when there is none, or a damaged one."""
    found = _read(path)
    return int(found[1].state.step) if found else -1


def _read(path: Path) -> tuple[RunKey, Snapshot] | None:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != _FORMAT:
            return None
        document = json.loads(metadata["run"])
        seconds, threads = float(document.pop("seconds")), int(document.pop("threads", 0))
        kind = QuasiNewtonState if "point" in tensors else EmbedState
        return RunKey(**document), Snapshot(kind(**tensors), seconds, threads)
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        return None


class SnapshotKeeper:
    """Saves the states of a batch while it runs.

    Args:
        places: file and key of each image's snapshots.
        seconds: spent on each image before.
        between: seconds between two snapshots; more where those would be over a fiftieth of the time that snapshots
            take. With 0 there is one after every step.
    """

    def __init__(self, places: Sequence[tuple[Path, RunKey]], seconds: Sequence[float], between: float) -> None:
        self._places, self._seconds, self._between = places, seconds, between
        self._latest, self._wait = time.monotonic(), between

    def offer(self, progress: EmbedProgress) -> None:
        """Take a snapshot of every image if it is time. Raises EnvironmentFault for a full disk."""
        begun = time.monotonic()
        if begun - self._latest < self._wait:
            return
        for i, ((path, key), before) in enumerate(zip(self._places, self._seconds, strict=True)):
            save_snapshot(path, key, Snapshot(progress.state.select(i), before + progress.seconds))
        self._latest = time.monotonic()
        self._wait = max(self._between, _WAIT_PER_COST * (self._latest - begun)) if self._between else 0.0
