"""Snapshots of a running embedding, so that a killed run goes on where it was."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save

from i2s_trt.embedding.quasi_newton import QuasiNewtonState
from i2s_trt.embedding.step import EmbedState
from i2s_trt.files import write_bytes

_FORMAT = "i2s-trt snapshot 1"


@dataclass(frozen=True)
class RunKey:
    """What must be the same for a run to be resumed: digests of model, picture, settings and feature network."""

    model: str
    image: str
    options: str
    features: str


@dataclass(frozen=True)
class Snapshot:
    """One image's state and the seconds spent on it so far."""

    state: EmbedState
    seconds: float


def save_snapshot(path: Path, key: RunKey, snapshot: Snapshot) -> None:
    """Write one image's snapshot, atomically. Raises EnvironmentFault for a full disk."""
    tensors = {field.name: getattr(snapshot.state, field.name).contiguous() for field in fields(snapshot.state)}
    document = json.dumps({**asdict(key), "seconds": snapshot.seconds})
    write_bytes(path, save(tensors, {"format": _FORMAT, "run": document}))


def load_snapshot(path: Path, key: RunKey) -> Snapshot | None:
    """The snapshot of this very run; None when there is none, or one of another run, or a damaged one."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != _FORMAT:
            return None
        document = json.loads(metadata["run"])
        seconds = float(document.pop("seconds"))
        kind = QuasiNewtonState if "point" in tensors else EmbedState
        return Snapshot(kind(**tensors), seconds) if document == asdict(key) else None
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError):
        return None
